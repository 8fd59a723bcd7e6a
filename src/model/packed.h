/* A packed model: a checkpoint's weights as the kernels of one kind of machine want them, in a file that is mapped.
 *
 *     page 0   header: magic, version, sizes, what it was made from and for, checksum
 *     records  one after the other, each aligned to 64 bytes
 *     table    one entry a record: name, kind, sizes, place, checksum
 *
 * A file counts only whole: opening it checks the header, the table, that every record lies in the file, and every
 * record's checksum, which takes as long as reading the file from memory, and it will be read anyway. What is
 * found: a file that is no pack or cut short, a flipped bit anywhere, one made from another checkpoint
 * (by size, time of change and a hash of its beginning, its end and samples between), by another version, for
 * another layout (another CPU) or plan of precisions. It is a cache: whoever opens it makes it anew then. */
#ifndef ISHOW_MODEL_PACKED_H
#define ISHOW_MODEL_PACKED_H

#include "base/error.h"
#include "ckpt/ckpt.h"
#include "dev/dev.h"
#include "model/precision.h"

#define PACKED_VERSION 1
#define PACKED_NAME 96          /* bytes of a record's name, the '\0' included */
#define PACKED_MAX_RECORDS 8192 /* F5-TTS v1 Base has 176 */
#define PACKED_LAYOUT_TEXT (3 * DEV_LAYOUT_TEXT)

/* What a pack was made from and for; two are the same when their bytes are. */
struct packed_key {
    uint64_t source_size;
    int64_t source_time; /* ns since 1970 */
    uint64_t source_hash;
    char layout[PACKED_LAYOUT_TEXT];
    char plan[PRECISION_TEXT];
};

/* Reads a few pages of the checkpoint. */
int packed_key_of(const char *checkpoint, const struct dev *d, const struct precision_plan *plan,
                  struct packed_key *ret, struct error *err);

enum packed_kind {
    PACKED_FLOATS, /* n of them */
    PACKED_LINEAR, /* bytes of dev_linear_bytes for n outputs of k inputs */
};

struct packed_record {
    char name[PACKED_NAME];
    uint32_t kind;      /* enum packed_kind */
    uint32_t precision; /* enum dev_precision */
    uint64_t n, k;
    uint64_t offset, len;
    uint64_t hash;
};

/* -------- reading -------- */

struct packed;

/* E_NOTFOUND: no such file; E_FORMAT: damaged, or not made from and for `key`, with the reason. */
int packed_open(const char *path, const struct packed_key *key, struct packed **ret, struct error *err);
void packed_close(struct packed *p); /* accepts NULL */

/* E_IO once the file has been truncated while it was open: weights may be zeros (base/map_guard.h). */
int packed_intact(const struct packed *p, struct error *err);

/* NULL when there is none. */
const struct packed_record *packed_find(const struct packed *p, const char *name);
const void *packed_bytes(const struct packed *p, const struct packed_record *r); /* in the map, aligned to 64 */

/* Gives the memory of all PACKED_FLOATS back: they were copied to where they are used. */
void packed_drop_floats(struct packed *p);

/* The checks of packed_open on bytes; `len` is all there is. For it and for fuzzing. */
int packed_check(const void *data, size_t len, const struct packed_key *key, struct error *err);

/* -------- writing -------- */

/* A pack under way appears under its name when it is committed, and not at all otherwise. */
struct packed_writer;
int packed_create(const char *path, const struct packed_key *key, struct packed_writer **ret, struct error *err);
int packed_add(struct packed_writer *w, const char *name, enum packed_kind kind, enum dev_precision precision,
               size_t n, size_t k, const void *data, size_t len, struct error *err);
int packed_commit(struct packed_writer *w, struct error *err); /* frees `w` in either case */
void packed_abandon(struct packed_writer *w);                  /* accepts NULL */

#endif
