/* See known_models.h. */
#include "base/known_models.h"

#include <stddef.h>
#include <string.h>

const struct known_model known_models[] = {
    {"f5", "F5-TTS v1 Base", "SWivid/F5-TTS", "F5TTS_v1_Base/model_1250000.safetensors", "F5TTS_v1_Base/vocab.txt"},
    {"f5-v0", "F5-TTS Base (v0)", "SWivid/F5-TTS", "F5TTS_Base/model_1200000.safetensors", "F5TTS_Base/vocab.txt"},
    {NULL, NULL, NULL, NULL, NULL},
};

const struct known_model *known_model_find(const char *name)
{
    for (const struct known_model *m = known_models; m->name; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}
