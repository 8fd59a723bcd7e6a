/* Where packed weights are kept, and how they come to be: the first start of a model converts its checkpoint, later
 * ones map what came out (model/packed.h).
 *
 * They are in one folder for all models, $XDG_CACHE_HOME/ishowtts/packs or ~/.cache/ishowtts/packs, and never beside
 * the model: model folders are often shared, read-only or looked after by other tools, and a cache that may be
 * deleted at any time belongs where such things are. A pack is named for the checkpoint, a hash of its resolved path
 * (the hub's snapshots are links to blobs) and the precision, so that a model has one of each precision, and a
 * checkpoint that changes replaces its own.
 *
 * One conversion at a time runs in a folder: it holds a flock(2) on the folder itself, others wait and then find the
 * pack made. When the folder cannot be written, the weights are converted in memory and nothing is kept. */
#ifndef ISHOW_ENGINE_PACKS_H
#define ISHOW_ENGINE_PACKS_H

#include "model/dit.h"

#define PACKS_MIN_BYTES ((uint64_t)64 << 20) /* of a checkpoint: smaller ones convert faster than a file is worth */

struct packs {
    const char *dir; /* NULL: the usual folder, for checkpoints of PACKS_MIN_BYTES and more; "": none */
    int only_use;    /* 1: take a pack that is there, make none */
    struct weights_progress progress;
    void (*notice)(void *user, const char *text); /* what happened in a sentence; may be NULL */
    void *user;
};

/* The pack of a checkpoint, made if need be. *ret stays NULL when none is to be or can be kept. Errors are those of the
 * checkpoint, E_NOMEM and E_CANCELLED. */
int packs_open(const struct packs *packs, struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch,
               const struct precision_plan *plan, struct packed **ret, struct error *err);

/* The path of what is kept for a checkpoint under `suffix` (".bf16.pack"), malloc'd; its folder need not exist. */
int packs_path(const struct packs *packs, const char *checkpoint, const char *suffix, char **ret, struct error *err);

#endif
