/* What the files behind ishowtts.h share. */
#ifndef ISHOW_ENGINE_API_H
#define ISHOW_ENGINE_API_H

#include "base/error.h"
#include "engine/f5.h"
#include "ishowtts.h"

struct ishow_engine {
    struct f5 *f5; /* NULL: the built-in voices */
    char *checkpoint;
};

static inline struct error *inner(ishow_error *err)
{
    return (struct error *)err;
}

/* Copies a caller's struct, which begins with its size and may be an older and shorter one, over the defaults in
 * `full`. `name` is its type's. */
int take_params(void *full, size_t full_size, const void *given, const char *name, struct error *err);

#endif
