/* What a pickle may name, and what naming it builds. Internal to the unpickler. */
#ifndef ISHOW_CKPT_PICKLE_BUILD_H
#define ISHOW_CKPT_PICKLE_BUILD_H

#include "ckpt/unpickle.h"

/* The list's entry for module.name, or E_FORMAT with a sentence that names it. */
int pickle_global_find(struct slice module, struct slice name, const struct pickle_global **ret,
                       struct error *err);

/* What calling `g` with the tuple `args` yields in torch, built from their values alone. */
int pickle_reduce(const struct pickle_global *g, const struct pickle_list *args, struct arena *arena,
                  struct pickle_value *ret, struct error *err);

/* torch's persistent ids: ("storage", torch.FloatStorage, key, location, count). */
int pickle_storage_make(struct pickle_value id, struct arena *arena, struct pickle_value *ret,
                        struct error *err);

/* Appends; the room comes from the arena. E_NOMEM. */
int pickle_list_push(struct pickle_list *l, struct pickle_value v, struct arena *arena);

#endif
