/* See zip_index.h. Follows PKWARE's APPNOTE 6.3: end record at the very end (a comment may follow),
 * the zip64 end record before it when there is a locator, then the central directory, which must
 * touch the end records; then each local header, whose own sizes may be zero (bit 3, as torch does). */
#include "ckpt/zip_index.h"

#include "ckpt/tensor_set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define END_SIZE     22
#define END64_SIZE   56
#define LOCATOR_SIZE 20
#define CENTRAL_SIZE 46
#define LOCAL_SIZE   30
#define COMMENT_MAX  65535

struct directory {
    uint64_t offset, size, count;
};

static unsigned get16(const char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t get32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t get64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static int has_mark(const char *p, const char *mark)
{
    return memcmp(p, mark, 4) == 0;
}

static int find_end(const char *data, size_t len, size_t *ret_at, struct error *err)
{
    for (size_t back = END_SIZE; back <= len && back <= END_SIZE + COMMENT_MAX; back++) {
        const char *p = data + len - back;
        if (has_mark(p, "PK\005\006") && get16(p + 20) == back - END_SIZE) {
            *ret_at = len - back;
            return 0;
        }
    }
    return error_set(err, E_FORMAT, "the zip has no end record: the file is cut short or damaged");
}

static int find_directory(const char *data, size_t len, struct directory *ret, struct error *err)
{
    size_t end = 0, limit;
    int rc = find_end(data, len, &end, err);
    if (rc)
        return rc;
    const char *p = data + end;
    limit = end;
    *ret = (struct directory){get32(p + 16), get32(p + 12), get16(p + 10)};
    unsigned parts = get16(p + 4) | get16(p + 6);
    uint64_t on_disk = get16(p + 8);

    if (end >= LOCATOR_SIZE && has_mark(p - LOCATOR_SIZE, "PK\006\007")) {
        const char *loc = p - LOCATOR_SIZE;
        uint64_t at = get64(loc + 8), room = end - LOCATOR_SIZE;
        if (room < END64_SIZE || at > room - END64_SIZE || !has_mark(data + at, "PK\006\006"))
            return error_set(err, E_FORMAT, "the zip's zip64 locator points at no zip64 end record");
        const char *q = data + at;
        *ret = (struct directory){get64(q + 48), get64(q + 40), get64(q + 32)};
        parts = get32(loc + 4) | get32(q + 16) | get32(q + 20) | (get32(loc + 16) > 1);
        on_disk = get64(q + 24);
        limit = at;
    }
    if (parts || on_disk != ret->count)
        return error_set(err, E_UNSUPPORTED, "the zip is one of several parts");
    if (ret->count > ZIP_MAX_ENTRIES)
        return error_set(err, E_LIMIT, "the zip has %" PRIu64 " entries, the limit is %d", ret->count,
                         ZIP_MAX_ENTRIES);
    if (ret->offset > limit || ret->size != limit - ret->offset)
        return error_set(err, E_FORMAT,
                         "the zip's directory (%" PRIu64 " bytes at %" PRIu64
                         ") does not end at its end record",
                         ret->size, ret->offset);
    return 0;
}

/* Replaces those of the three figures that are all ones by what the zip64 extra field holds. */
static int read_zip64(const char *extra, size_t len, uint64_t *size, uint64_t *packed, uint64_t *offset)
{
    uint64_t *fields[] = {size, packed, offset};
    int need = 0;
    for (int i = 0; i < 3; i++)
        need += *fields[i] == UINT32_MAX;
    if (!need)
        return 0;
    while (len >= 4) {
        size_t n = get16(extra + 2);
        if (n > len - 4)
            return -1;
        if (get16(extra) == 1) {
            const char *p = extra + 4;
            for (int i = 0; i < 3; i++) {
                if (*fields[i] != UINT32_MAX)
                    continue;
                if (n < 8)
                    return -1;
                *fields[i] = get64(p);
                p += 8;
                n -= 8;
            }
            return 0;
        }
        extra += 4 + n;
        len -= 4 + n;
    }
    return -1;
}

/* From the local header at `offset` to the entry's bytes. */
static int locate_data(const char *data, uint64_t directory, uint64_t offset, uint64_t size,
                       struct zip_entry *e, struct error *err)
{
    char shown[SHOWN_MAX];
    text_shown(e->name, shown);
    if (directory < LOCAL_SIZE || offset > directory - LOCAL_SIZE || !has_mark(data + offset, "PK\003\004"))
        return error_set(err, E_FORMAT, "zip entry %s: no local header at byte %" PRIu64, shown, offset);
    const char *p = data + offset;
    uint64_t head = LOCAL_SIZE + (uint64_t)get16(p + 26) + get16(p + 28);
    if (head > directory - offset || size > directory - offset - head)
        return error_set(err, E_FORMAT, "zip entry %s: its %" PRIu64 " bytes run past the end of the data",
                         shown, size);
    struct slice name = {p + LOCAL_SIZE, get16(p + 26)};
    uint32_t local_size = get32(p + 22);
    if (!slice_eq(name, e->name) || get16(p + 8) != 0 ||
        (!(get16(p + 6) & 8) && local_size != UINT32_MAX && local_size != size))
        return error_set(err, E_FORMAT, "zip entry %s: its local header disagrees with the directory", shown);
    e->header = p;
    e->data = (struct slice){p + head, size};
    return 0;
}

/* Reads one directory entry at *p and moves *p past it. */
static int read_entry(const char *data, uint64_t directory, const char **p, const char *end,
                      struct zip_entry *e, struct error *err)
{
    const char *q = *p;
    if (end - q < CENTRAL_SIZE || !has_mark(q, "PK\001\002"))
        return error_set(err, E_FORMAT, "the zip's directory is damaged at byte %zu", (size_t)(q - data));
    size_t name_len = get16(q + 28), extra_len = get16(q + 30), comment_len = get16(q + 32);
    if ((size_t)(end - q) - CENTRAL_SIZE < name_len + extra_len + comment_len)
        return error_set(err, E_FORMAT, "the zip's directory is cut short at byte %zu", (size_t)(q - data));
    *p = q + CENTRAL_SIZE + name_len + extra_len + comment_len;

    char shown[SHOWN_MAX];
    e->name = (struct slice){q + CENTRAL_SIZE, name_len};
    text_shown(e->name, shown);
    e->crc = get32(q + 16);
    if (name_len == 0 || name_len > CKPT_MAX_NAME)
        return error_set(err, E_FORMAT, "a zip entry's name has %zu bytes, expected 1 to %d", name_len,
                         CKPT_MAX_NAME);
    if (get16(q + 8) & 1)
        return error_set(err, E_UNSUPPORTED, "zip entry %s is encrypted", shown);
    if (get16(q + 10) != 0)
        return error_set(err, E_UNSUPPORTED,
                         "zip entry %s is compressed, which torch.save never does: "
                         "unpack the file and zip it again with `zip -0 -r`",
                         shown);
    uint64_t packed = get32(q + 20), size = get32(q + 24), offset = get32(q + 42);
    if (read_zip64(q + CENTRAL_SIZE + name_len, extra_len, &size, &packed, &offset))
        return error_set(err, E_FORMAT, "zip entry %s has a damaged zip64 field", shown);
    if (packed != size)
        return error_set(err, E_FORMAT, "zip entry %s is stored, yet has two different sizes", shown);
    return locate_data(data, directory, offset, size, e, err);
}

static int by_place(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;
    return (x->header > y->header) - (x->header < y->header);
}

static int slice_cmp(struct slice a, struct slice b)
{
    int c = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp(((const struct zip_entry *)a)->name, ((const struct zip_entry *)b)->name);
}

/* No two entries share a byte, headers included, and no two a name. Leaves the entries sorted by name. */
static int check_entries(struct zip_index *z, struct error *err)
{
    char a[SHOWN_MAX], b[SHOWN_MAX];
    if (z->count == 0)
        return 0;
    qsort(z->entries, z->count, sizeof *z->entries, by_place);
    for (size_t i = 1; i < z->count; i++) {
        const struct zip_entry *x = &z->entries[i - 1], *y = &z->entries[i];
        if (x->data.ptr + x->data.len > y->header)
            return error_set(err, E_FORMAT, "zip entries %s and %s overlap", text_shown(x->name, a),
                             text_shown(y->name, b));
    }
    qsort(z->entries, z->count, sizeof *z->entries, by_name);
    for (size_t i = 1; i < z->count; i++)
        if (slice_eq(z->entries[i - 1].name, z->entries[i].name))
            return error_set(err, E_FORMAT, "two zip entries are named %s",
                             text_shown(z->entries[i].name, a));
    return 0;
}

int zip_index_parse(const char *data, size_t len, struct zip_index *ret, struct error *err)
{
    struct directory dir = {0};
    int rc = find_directory(data, len, &dir, err);
    if (rc)
        return rc;
    /* every entry takes its share of the directory, so this allocates no more than the file's size */
    if (dir.count > dir.size / CENTRAL_SIZE)
        return error_set(err, E_FORMAT, "the zip's directory has no room for its %" PRIu64 " entries",
                         dir.count);
    struct zip_index z = {calloc(dir.count + 1, sizeof *z.entries), dir.count};
    if (!z.entries)
        return error_nomem(err);
    const char *p = data + dir.offset, *end = p + dir.size;
    for (size_t i = 0; !rc && i < z.count; i++)
        rc = read_entry(data, dir.offset, &p, end, &z.entries[i], err);
    if (!rc && p != end)
        rc = error_set(err, E_FORMAT, "the zip's directory holds more than its %zu entries", z.count);
    if (!rc)
        rc = check_entries(&z, err);
    if (rc) {
        zip_index_release(&z);
        return rc;
    }
    *ret = z;
    return 0;
}

void zip_index_release(struct zip_index *z)
{
    free(z->entries);
    *z = (struct zip_index){NULL, 0};
}

static int name_against(const void *name, const void *e)
{
    return slice_cmp(*(const struct slice *)name, ((const struct zip_entry *)e)->name);
}

const struct zip_entry *zip_find(const struct zip_index *z, struct slice name)
{
    return bsearch(&name, z->entries, z->count, sizeof *z->entries, name_against);
}

int zip_check_crc(const struct zip_entry *e, struct error *err)
{
    char shown[SHOWN_MAX];
    if (crc32_z(crc32_z(0, NULL, 0), (const Bytef *)e->data.ptr, e->data.len) != e->crc)
        return error_set(err, E_FORMAT, "zip entry %s is damaged: its checksum does not match",
                         text_shown(e->name, shown));
    return 0;
}
