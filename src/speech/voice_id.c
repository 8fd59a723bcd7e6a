/* How voices may be called (voices.h): so that an id can stand in a URL, a file name and a log as it is. */
#include "speech/voices.h"

#include "base/utf8.h"

#include <string.h>
#include <strings.h>

static int is_cjk(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x3005, 0x3007}, {0x3041, 0x3096}, {0x309d, 0x309f},   {0x30a1, 0x30fa},   {0x30fc, 0x30ff},
        {0x3105, 0x312f}, {0x31a0, 0x31bf}, {0x31f0, 0x31ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
        {0xac00, 0xd7a3}, {0xf900, 0xfad9}, {0x20000, 0x2a6df}, {0x2a700, 0x2ebe0}, {0x30000, 0x323af},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return 1;
    return 0;
}

static int may_be_in(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || is_cjk(c);
}

int voice_id_check(const char *id, struct error *err)
{
    const size_t len = strlen(id);
    size_t count = 0, step;
    uint32_t c;
    if (!len)
        return error_set(err, E_ARG, "a voice's id is empty");
    for (size_t i = 0; i < len; i += step, count++)
        if (!(step = utf8_decode(id + i, len - i, &c)) || !may_be_in(c))
            return error_set(err, E_ARG,
                             "a voice's id may have letters, digits, \"-\", \"_\" and \".\"; at character %zu there is "
                             "something else",
                             count + 1);
    if (count > VOICE_ID_MAX)
        return error_set(err, E_ARG, "a voice's id has %zu characters, %d are allowed", count, VOICE_ID_MAX);
    if (id[0] == '.')
        return error_set(err, E_ARG, "a voice's id may not begin with a dot");
    if (strcasecmp(id, VOICE_BUILTIN) == 0)
        return error_set(err, E_ARG, "\"%s\" is the voice that needs no model; choose another id", id);
    return 0;
}

void voice_id_from(const char *name, char ret[VOICE_ID_BYTES + 1])
{
    const size_t len = strlen(name);
    size_t used = 0, count = 0, step;
    for (size_t i = 0; i < len && count < VOICE_ID_MAX; i += step) {
        uint32_t c = 0;
        step = utf8_decode(name + i, len - i, &c);
        if (step && may_be_in(c) && (used || (c != '.' && c != '-'))) {
            memcpy(ret + used, name + i, step);
            used += step;
            count++;
        } else if (used && ret[used - 1] != '-') {
            ret[used++] = '-';
            count++;
        }
        if (!step)
            step = 1;
    }
    while (used && ret[used - 1] == '-')
        used--;
    ret[used] = '\0';
    if (strcasecmp(ret, VOICE_BUILTIN) == 0)
        ret[0] = '\0';
}
