/* See packed.h. The writer holds the table in memory and writes records as they come; header and table go last. */
#include "model/packed.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/xxh64.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALIGN 64
#define HEADER_BYTES 4096

static const char magic[8] = "ISHOWPAK";

struct header {
    char magic[8];
    uint32_t version, record_size;
    uint64_t records;
    uint64_t table, file_size;
    uint64_t table_hash;
    struct packed_key key;
    uint64_t hash; /* of all before it */
};

_Static_assert(sizeof(struct header) <= HEADER_BYTES, "the header has a page");
_Static_assert(sizeof(struct packed_record) == PACKED_NAME + 48, "records have no padding");

/* -------- what a pack is made from -------- */

#define EDGE_BYTES 65536
#define SAMPLE_BYTES 4096
#define SAMPLES 16

/* Beginning, end and samples of a file: a checkpoint with other weights differs in nearly every byte. */
static uint64_t sample_hash(const struct file_map *m)
{
    uint64_t hash = 0;
    const size_t edge = m->len < EDGE_BYTES ? m->len : EDGE_BYTES;
    hash = xxh64(m->ptr, edge, hash);
    hash = xxh64(m->ptr + m->len - edge, edge, hash);
    for (size_t i = 1; i <= SAMPLES; i++) {
        const size_t at = m->len / (SAMPLES + 1) * i;
        const size_t n = m->len - at < SAMPLE_BYTES ? m->len - at : SAMPLE_BYTES;
        hash = xxh64(m->ptr + at, n, hash);
    }
    return hash;
}

int packed_key_of(const char *checkpoint, const struct dev *d, const struct precision_plan *plan,
                  struct packed_key *ret, struct error *err)
{
    struct packed_key key;
    struct file_map map;
    struct stat st;
    memset(&key, 0, sizeof key);
    int rc = file_map(checkpoint, &map, err);
    if (rc)
        return rc;
    key.source_size = map.len;
    key.source_hash = sample_hash(&map);
    file_unmap(&map);
    if (stat(checkpoint, &st) < 0)
        return error_errno(err, errno, "cannot stat %s", checkpoint);
    key.source_time = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    size_t at = 0;
    for (int p = DEV_F32; p <= DEV_INT8; p++) {
        char layout[DEV_LAYOUT_TEXT] = "";
        dev_layout(d, (enum dev_precision)p, layout);
        at += (size_t)snprintf(key.layout + at, sizeof key.layout - at, "%s%s", p ? "; " : "", layout);
        if (at >= sizeof key.layout)
            at = sizeof key.layout - 1;
    }
    precision_text(plan, key.plan);
    *ret = key;
    return 0;
}

/* -------- reading -------- */

struct packed {
    char *path;
    struct file_map map;
    const struct packed_record *records; /* in the map */
    size_t count;
};

static int check_key(const struct packed_key *found, const struct packed_key *key, struct error *err)
{
    if (found->source_size != key->source_size || found->source_time != key->source_time ||
        found->source_hash != key->source_hash)
        return error_set(err, E_FORMAT, "the checkpoint has changed since");
    if (memcmp(found->layout, key->layout, sizeof key->layout) != 0)
        return error_set(err, E_FORMAT, "made for other kernels (%.*s, here %s)", PACKED_LAYOUT_TEXT - 1, found->layout,
                         key->layout);
    if (memcmp(found->plan, key->plan, sizeof key->plan) != 0)
        return error_set(err, E_FORMAT, "made for precision %.*s", PRECISION_TEXT - 1, found->plan);
    return 0;
}

static int check_record(const unsigned char *data, const struct header *h, const struct packed_record *r,
                        struct error *err)
{
    if (!memchr(r->name, '\0', sizeof r->name) || r->kind > PACKED_LINEAR || r->precision > DEV_INT8 ||
        r->offset < HEADER_BYTES || r->offset % ALIGN || r->offset > h->table || r->len > h->table - r->offset ||
        (r->kind == PACKED_FLOATS && r->len / sizeof(float) != r->n))
        return error_set(err, E_FORMAT, "damaged: its table leads out of it");
    if (xxh64(data + r->offset, r->len, 0) != r->hash)
        return error_set(err, E_FORMAT, "damaged: the checksum of %s is wrong", r->name);
    return 0;
}

int packed_check(const void *data, size_t len, const struct packed_key *key, struct error *err)
{
    struct header h;
    if (len < HEADER_BYTES)
        return error_set(err, E_FORMAT, "damaged: cut short");
    memcpy(&h, data, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0)
        return error_set(err, E_FORMAT, "no packed weights");
    if (h.version != PACKED_VERSION || h.record_size != sizeof(struct packed_record))
        return error_set(err, E_FORMAT, "made by another version");
    if (h.hash != xxh64(&h, offsetof(struct header, hash), 0))
        return error_set(err, E_FORMAT, "damaged: the checksum of its header is wrong");
    int rc = check_key(&h.key, key, err);
    if (rc)
        return rc;
    if (h.file_size != len || h.table % ALIGN || h.table < HEADER_BYTES || h.table > len ||
        h.records > PACKED_MAX_RECORDS || len - h.table != h.records * sizeof(struct packed_record))
        return error_set(err, E_FORMAT, "damaged: %zu bytes long, expected %llu", len, (unsigned long long)h.file_size);
    const unsigned char *table = (const unsigned char *)data + h.table;
    if (xxh64(table, len - h.table, 0) != h.table_hash)
        return error_set(err, E_FORMAT, "damaged: the checksum of its table is wrong");
    for (uint64_t i = 0; i < h.records && !rc; i++)
        rc = check_record(data, &h, (const struct packed_record *)(const void *)(table + i * h.record_size), err);
    return rc;
}

int packed_open(const char *path, const struct packed_key *key, struct packed **ret, struct error *err)
{
    struct packed *p = calloc(1, sizeof *p);
    if (!p)
        return error_nomem(err);
    int rc = (p->path = strdup(path)) ? file_map(path, &p->map, err) : error_nomem(err);
    if (!rc) {
        if (p->map.len)
            madvise((void *)p->map.ptr, p->map.len, MADV_WILLNEED);
        rc = packed_check(p->map.ptr, p->map.len, key, err);
    }
    if (rc) {
        packed_close(p);
        return rc;
    }
    struct header h;
    memcpy(&h, p->map.ptr, sizeof h);
    p->records = (const struct packed_record *)(const void *)(p->map.ptr + h.table);
    p->count = h.records;
    *ret = p;
    return 0;
}

void packed_close(struct packed *p)
{
    if (!p)
        return;
    file_unmap(&p->map);
    free(p->path);
    free(p);
}

int packed_intact(const struct packed *p, struct error *err)
{
    return file_map_lost(&p->map) ? error_set(err, E_IO, "%s was truncated while it was in use", p->path) : 0;
}

const struct packed_record *packed_find(const struct packed *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->records[i].name, name) == 0)
            return &p->records[i];
    return NULL;
}

const void *packed_bytes(const struct packed *p, const struct packed_record *r)
{
    return p->map.ptr + r->offset;
}

void packed_drop_floats(struct packed *p)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < p->count; i++) {
        const struct packed_record *r = &p->records[i];
        const uintptr_t from = ((uintptr_t)p->map.ptr + r->offset + page - 1) / page * page;
        const uintptr_t to = ((uintptr_t)p->map.ptr + r->offset + r->len) / page * page;
        if (r->kind == PACKED_FLOATS && from < to)
            madvise((void *)from, to - from, MADV_DONTNEED);
    }
}

/* -------- writing -------- */

struct packed_writer {
    struct atomic_file file;
    struct packed_key key;
    uint64_t at; /* bytes written */
    struct packed_record *records;
    size_t count, cap;
};

static int put(struct packed_writer *w, const void *data, size_t len, struct error *err)
{
    static const char zeros[ALIGN];
    const size_t pad = (ALIGN - len % ALIGN) % ALIGN;
    int rc = fd_write_all(w->file.fd, data, len, w->file.target, err);
    if (!rc && pad)
        rc = fd_write_all(w->file.fd, zeros, pad, w->file.target, err);
    w->at += len + pad;
    return rc;
}

int packed_create(const char *path, const struct packed_key *key, struct packed_writer **ret, struct error *err)
{
    static const char zeros[HEADER_BYTES];
    struct packed_writer *w = calloc(1, sizeof *w);
    if (!w)
        return error_nomem(err);
    int rc = atomic_open(&w->file, path, err);
    if (!rc && !w->file.temp)
        rc = error_set(err, E_IO, "%s is no regular file", path);
    if (!rc)
        rc = put(w, zeros, sizeof zeros, err);
    if (rc) {
        packed_abandon(w);
        return rc;
    }
    w->key = *key;
    *ret = w;
    return 0;
}

int packed_add(struct packed_writer *w, const char *name, enum packed_kind kind, enum dev_precision precision,
               size_t n, size_t k, const void *data, size_t len, struct error *err)
{
    if (strlen(name) >= PACKED_NAME || w->count == PACKED_MAX_RECORDS)
        return error_set(err, E_LIMIT, "%s: more than %d records, or a name of more than %d bytes", name,
                         PACKED_MAX_RECORDS, PACKED_NAME - 1);
    if (ARRAY_GROW(w->records, w->count, w->cap))
        return error_nomem(err);
    struct packed_record *r = &w->records[w->count++];
    memset(r, 0, sizeof *r);
    memcpy(r->name, name, strlen(name));
    r->kind = kind;
    r->precision = precision;
    r->n = n;
    r->k = k;
    r->offset = w->at;
    r->len = len;
    r->hash = xxh64(data, len, 0);
    return put(w, data, len, err);
}

static int put_header(struct packed_writer *w, struct error *err)
{
    struct header h;
    const size_t table = w->count * sizeof *w->records;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, magic, sizeof magic);
    h.version = PACKED_VERSION;
    h.record_size = sizeof *w->records;
    h.records = w->count;
    h.table = w->at;
    h.file_size = w->at + table;
    h.table_hash = xxh64(w->records, table, 0);
    h.key = w->key;
    h.hash = xxh64(&h, offsetof(struct header, hash), 0);
    int rc = fd_write_all(w->file.fd, w->records, table, w->file.target, err);
    if (!rc && lseek(w->file.fd, 0, SEEK_SET) < 0)
        rc = error_errno(err, errno, "cannot write %s", w->file.target);
    return rc ? rc : fd_write_all(w->file.fd, &h, sizeof h, w->file.target, err);
}

int packed_commit(struct packed_writer *w, struct error *err)
{
    int rc = put_header(w, err);
    if (!rc)
        rc = atomic_commit(&w->file, err);
    packed_abandon(w);
    return rc;
}

void packed_abandon(struct packed_writer *w)
{
    if (!w)
        return;
    atomic_abandon(&w->file);
    free(w->records);
    free(w);
}
