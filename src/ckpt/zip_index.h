/* The table of contents of a zip whose entries are stored, not compressed (what torch.save writes):
 * each entry's name and bytes, checked against the archive and against each other. */
#ifndef ISHOW_CKPT_ZIP_INDEX_H
#define ISHOW_CKPT_ZIP_INDEX_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define ZIP_MAX_ENTRIES 131072

struct zip_entry {
    struct slice name; /* both in the archive's bytes */
    struct slice data;
    const char *header; /* the local header, somewhere before the data */
    uint32_t crc;
};

struct zip_index {
    struct zip_entry *entries; /* sorted by name, names unique */
    size_t count;
};

/* Reads the central directory (zip64 included). Damaged, overlapping or out-of-bounds entries are
 * E_FORMAT; compressed or encrypted ones and archives in several parts E_UNSUPPORTED. */
int zip_index_parse(const char *data, size_t len, struct zip_index *ret, struct error *err);
void zip_index_release(struct zip_index *z); /* accepts a zeroed one */

const struct zip_entry *zip_find(const struct zip_index *z, struct slice name); /* NULL if absent */

/* E_FORMAT when the entry's bytes do not have the CRC-32 that the directory states. */
int zip_check_crc(const struct zip_entry *e, struct error *err);

#endif
