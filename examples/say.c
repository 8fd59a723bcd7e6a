/* say CLIP WORDS TEXT: TEXT in the voice of CLIP, raw s16le mono at 24 kHz. Without a model a built-in voice speaks.
 *     cc say.c $(pkg-config --cflags --libs ishowtts) -o say
 *     ./say clip.wav "What is said in it." "Hello chat!" | aplay -f S16_LE -r 24000 */
#include <ishowtts.h>

#include <stdio.h>
#include <string.h>

static int on_audio(void *user, const float *samples, size_t n)
{
    FILE *out = user;
    for (size_t i = 0; i < n; i++) {
        int v = (int)(samples[i] * 32767);
        putc(v & 255, out);
        putc(v >> 8 & 255, out);
    }
    return fflush(out) != 0; /* non-zero stops the speech */
}

int main(int argc, char **argv)
{
    ishow_engine *engine = NULL;
    ishow_voice *voice = NULL;
    ishow_info info = {.size = sizeof info};
    ishow_error err;
    if (argc != 4)
        return fprintf(stderr, "usage: %s CLIP WORDS TEXT\n", argv[0]), 2;
    int rc = ishow_open(NULL, &engine, &err);
    if (!rc)
        ishow_describe(engine, &info);
    if (!rc && strcmp(info.engine, "builtin") != 0)
        rc = ishow_voice_from_file(engine, argv[1], argv[2], &voice, &err);
    if (!rc)
        rc = ishow_say(engine, voice, argv[3], NULL, on_audio, stdout, NULL, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    ishow_voice_free(voice);
    ishow_close(engine);
    return rc ? 1 : 0;
}
