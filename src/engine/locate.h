/* Where a model's files are: from a name, a folder or a file to paths. */
#ifndef ISHOW_ENGINE_LOCATE_H
#define ISHOW_ENGINE_LOCATE_H

#include "base/error.h"

/* All owned; released by model_files_release. */
struct model_files {
    char *checkpoint;    /* .safetensors or .pt */
    char *vocab;
    char *vocos_config;
    char *vocos_weights;
    char *settings; /* model.toml beside the checkpoint, or NULL */
};

/* `model` is a known name, a checkpoint file or a folder; NULL is the best known model in the hub's cache.
 * vocab and vocoder (a folder) override what lies beside the checkpoint. E_NOTFOUND says what is missing
 * and how to get it. */
int model_locate(const char *model, const char *vocab, const char *vocoder, struct model_files *ret, struct error *err);

/* The checkpoint in a folder: model.safetensors, else the highest *.safetensors, else model.pt, else the highest *.pt
 * (model_9.pt is before model_10.pt). A malloc'd path in `ret`. */
int checkpoint_in_dir(const char *dir, char **ret, struct error *err);

void model_files_release(struct model_files *f); /* accepts a zeroed one */

#endif
