/* A form with files in it: multipart/form-data (RFC 7578, in the framing of RFC 2046) taken apart in memory.
 *
 * A pure function over bytes from anyone: what is not exactly a form is refused with a sentence that says where. Lines
 * end with CRLF; parameters may be quoted; a boundary's line may end with spaces; text before the first boundary and
 * after the last one does not count. The data of a part stay where they are, in the body. */
#ifndef ISHOW_NET_HTTP_MULTIPART_H
#define ISHOW_NET_HTTP_MULTIPART_H

#include "base/buf.h"
#include "base/error.h"

#define MULTIPART_PARTS_MAX    32
#define MULTIPART_HEAD_MAX     4096 /* bytes of one part's headers */
#define MULTIPART_NAME_MAX     128  /* bytes of a field's name */
#define MULTIPART_FILENAME_MAX 512  /* bytes of a file's name */
#define MULTIPART_TYPE_MAX     128  /* bytes of a part's Content-Type */
#define MULTIPART_BOUNDARY_MAX 70   /* characters, RFC 2046 5.1.1 */

/* Texts are UTF-8 without control characters. */
struct multipart_part {
    char name[MULTIPART_NAME_MAX + 1];
    char filename[MULTIPART_FILENAME_MAX + 1]; /* what the client calls it, "" if nothing: never a path to open */
    char content_type[MULTIPART_TYPE_MAX + 1]; /* as written; "" when there is none */
    int is_file;                               /* a filename was given, even an empty one */
    struct slice data;                         /* in the body; no '\0' after it */
};

struct multipart {
    struct multipart_part parts[MULTIPART_PARTS_MAX];
    size_t count;
};

/* `content_type` is the request's header; NULL when it had none. E_UNSUPPORTED: it is not multipart/form-data, or a
 * part is encoded (base64); E_FORMAT: not well formed; E_LIMIT: over one of the numbers above. Sentences about the body
 * begin with the byte that they are about. */
int multipart_parse(struct slice body, const char *content_type, struct multipart *ret, struct error *err);

/* The first part of that name; NULL when there is none. */
const struct multipart_part *multipart_find(const struct multipart *m, const char *name);

#endif
