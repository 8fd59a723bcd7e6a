/* The models that have a name: where the hub keeps their files. */
#ifndef ISHOW_BASE_KNOWN_MODELS_H
#define ISHOW_BASE_KNOWN_MODELS_H

#define VOCOS_REPO "charactr/vocos-mel-24khz"
#define VOCOS_CONFIG_FILE "config.yaml"
#define VOCOS_WEIGHTS_FILE "pytorch_model.bin"

struct known_model {
    const char *name;  /* as in `ishowtts pull NAME` and `--model NAME` */
    const char *title; /* for people */
    const char *repo;
    const char *checkpoint, *vocab; /* files in the repo */
};

/* In order of preference; the last one has name NULL. */
extern const struct known_model known_models[];

const struct known_model *known_model_find(const char *name); /* NULL if there is none */

#endif
