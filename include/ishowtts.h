/* iShowTTS: live speech in a cloned voice. The C API.
 *
 *     ishow_error err;
 *     ishow_engine *engine;
 *     if (ishow_open(NULL, &engine, &err)) { fputs(err.text, stderr); return 1; }
 *     ishow_say(engine, NULL, "Hello chat!", NULL, on_audio, file, NULL, &err);
 *     ishow_close(engine);
 *
 * Functions return 0 or a negative ishow_status; on failure results are untouched and `err`, which may
 * be NULL, holds one sentence that says what was expected and what was found. Text is UTF-8, audio is
 * mono float at ISHOW_RATE with full scale ±1. Parameter structs begin with their own size, so that a
 * program built against an older header keeps working: initialise them with the matching _init.
 *
 * An engine and its voices may be used from any thread, one call at a time per engine; different engines
 * are independent. Voices belong to the engine that made them and must be freed before it is closed.
 */
#ifndef ISHOWTTS_H
#define ISHOWTTS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ISHOW_API __attribute__((visibility("default")))
#define ISHOW_VERSION "0.1.0"
#define ISHOW_RATE 24000            /* Hz */
#define ISHOW_TEXT_MAX 50000        /* bytes of one text given to ishow_say */
#define ISHOW_NFE_MAX 256           /* evaluations */
#define ISHOW_CHUNK_FRAMES_MAX 8192 /* mel frames of clip and speech together, 87 s: the model's limit */

typedef enum ishow_status {
    ISHOW_OK = 0,
    ISHOW_E_ARG = -1,         /* an argument is outside what is allowed */
    ISHOW_E_NOMEM = -2,       /* out of memory */
    ISHOW_E_IO = -3,          /* the system refused to read or write */
    ISHOW_E_FORMAT = -4,      /* a file is not what it claims to be */
    ISHOW_E_NOTFOUND = -5,    /* no such file, model or voice */
    ISHOW_E_UNSUPPORTED = -6, /* not something that this build, model or machine can do */
    ISHOW_E_LIMIT = -7,       /* over a limit */
    ISHOW_E_CANCELLED = -8,   /* a callback returned non-zero */
    ISHOW_E_INTERNAL = -9     /* a bug in the library */
} ishow_status;

typedef struct ishow_error {
    int code;
    char text[512];
} ishow_error;

ISHOW_API const char *ishow_version(void); /* of the library, "0.1.0" */

/* -------- engine -------- */

typedef struct ishow_engine ishow_engine;

typedef enum ishow_arch {
    ISHOW_ARCH_AUTO, /* by the model folder's model.toml, else by its name ("F5TTS_Base" is v0), else v1 */
    ISHOW_ARCH_V1,   /* masks text padding, ropes all heads */
    ISHOW_ARCH_V0    /* neither masks nor ropes more than head 0 */
} ishow_arch;

/* Called while a model's weights are converted, with how many of its parameters are. Non-zero cancels. */
typedef int (*ishow_load_fn)(void *user, uint64_t done, uint64_t total);

/* Called with a sentence about what is no error but worth telling: a damaged cache that is made anew, say. */
typedef void (*ishow_notice_fn)(void *user, const char *text);

typedef struct ishow_open_params {
    size_t size;
    /* A name ("f5", "f5-v0": fetched with `ishowtts pull`; "builtin"), a checkpoint file, or a folder
     * with a checkpoint and vocab.txt. NULL: the best model installed, else "builtin". */
    const char *model;
    const char *vocab;   /* vocab.txt; NULL: beside the checkpoint */
    const char *vocoder; /* folder with config.yaml and pytorch_model.bin; NULL: vocos/ beside the checkpoint,
                            else the one fetched with `ishowtts pull` */
    ishow_arch arch;
    int threads; /* 0: one a CPU that this process may use */
    /* "f32", "bf16", "int8" (its most sensitive layers at bf16), "int8:KEEP,…" (KEEP of qkv, out, up, down, firstN,
     * lastN, none), or "auto", which NULL is too: the fastest that ishow_quality has measured to be as good as f32
     * on this model, and unmeasured bf16 where the CPU is good at it, else f32. */
    const char *precision;
    /* Where converted weights are kept for the next start, to be mapped. NULL: $XDG_CACHE_HOME/ishowtts/packs or
     * ~/.cache/ishowtts/packs, for checkpoints of 64 MB and more. "": nowhere. */
    const char *cache;
    ishow_load_fn on_load;     /* NULL */
    ishow_notice_fn on_notice; /* NULL */
    void *user;                /* of both */
} ishow_open_params;

/* The model's files are mapped: replace them by renaming others over them. The ishowtts program survives it when one is
 * truncated in place, and reports ISHOW_E_IO; a program that uses the library meets a SIGBUS. */
ISHOW_API void ishow_open_params_init(ishow_open_params *p);
ISHOW_API int ishow_open(const ishow_open_params *params, ishow_engine **ret, ishow_error *err);
ISHOW_API void ishow_close(ishow_engine *engine); /* accepts NULL */

typedef struct ishow_info {
    size_t size;
    const char *engine;  /* "f5" or "builtin"; these strings live as long as the engine */
    const char *model;   /* path of the checkpoint, or "" */
    const char *arch;    /* "v1 dim 1024 depth 22 heads 16", or "" */
    const char *kernels; /* "avx512bf16", "avx512vnni", "avx512", "avx2", "neonbf16", "neondot", "neon", "c" */
    int threads;
    uint64_t parameters; /* of the transformer */
    const char *precision; /* in use: "bf16", "int8:out", …, or "" */
} ishow_info;

ISHOW_API void ishow_describe(const ishow_engine *engine, ishow_info *ret); /* set ret->size before */

/* -------- voices -------- */

typedef struct ishow_voice ishow_voice;

/* A voice from a few seconds of sound and the words in it. Any file libsndfile reads, at any rate and
 * channel count; or n frames of interleaved PCM. The built-in engine needs no voice and refuses to make
 * one (ISHOW_E_UNSUPPORTED). The words are mandatory. */
ISHOW_API int ishow_voice_from_file(ishow_engine *engine, const char *path, const char *words,
                                    ishow_voice **ret, ishow_error *err);
ISHOW_API int ishow_voice_from_pcm(ishow_engine *engine, const float *pcm, size_t n, int channels,
                                   int rate, const char *words, ishow_voice **ret, ishow_error *err);
ISHOW_API void ishow_voice_free(ishow_voice *voice); /* accepts NULL */

/* -------- speech -------- */

/* Called in order with each piece of audio; `n` > 0. Non-zero cancels: ishow_say returns ISHOW_E_CANCELLED. */
typedef int (*ishow_audio_fn)(void *user, const float *samples, size_t n);

/* Called with how many evaluations of `total` are done, before every evaluation of the model and once more before each
 * chunk's vocoder; by the built-in engine with sentences instead. Non-zero cancels. */
typedef int (*ishow_progress_fn)(void *user, int done, int total);

typedef struct ishow_say_params {
    size_t size;
    int nfe;             /* evaluations of the model, 1..ISHOW_NFE_MAX; 7 */
    double cfg_strength; /* guidance, 0..10; 2. 0 halves the work */
    double sway;         /* sway sampling coefficient, -1..1; -1 */
    double speed;        /* 0.1..10; 1 */
    uint64_t seed;       /* of the noise, as torch.manual_seed (which hears the low 32 bits); ISHOW_SEED_RANDOM */
    double fix_duration; /* seconds of clip and speech together, a chunk; 0: estimated from the text */
    double target_rms;   /* 0.001..1; 0.1 */
    double cross_fade;   /* seconds between chunks, 0..10; 0.15 */
    int remove_silence;  /* 1: long pauses are taken out, and the audio comes when all of it is made; 0 */
    int normalize;       /* 1: numbers, dates, money, emoji and so on are written out first; 1 */
    ishow_progress_fn on_progress; /* NULL */
    void *progress_user;
    /* For speech that is heard while it is made: characters of the first piece, which decides how soon it begins; at
     * least 30 bytes, or the model babbles. It ends after punctuation, else at a space, else at a Chinese or Japanese
     * character. Later pieces are as long as the engine can have ready in time, by the speed it has shown, if playback
     * begins with the first, and grow anyhow where it cannot keep up; so where they end depends on the clock, and a seed
     * does not repeat. 0: every piece as long as the model allows; 0. A model only, and not with fix_duration or
     * remove_silence. */
    int first_chunk;
} ishow_say_params;

#define ISHOW_SEED_RANDOM UINT64_MAX

typedef struct ishow_stats {
    size_t size;
    uint64_t samples;           /* given to the callback */
    double seconds;             /* that the call took */
    double first_audio_seconds; /* until the callback's first call */
    int chunks;                 /* pieces the text was split into */
    uint64_t seed;              /* that was used */
    char voice[256];            /* what spoke: "f5", or the built-in voices used, "flite slt, espeak-ng cmn" */
    uint64_t evaluations;       /* of the model, over all chunks */
} ishow_stats;

ISHOW_API void ishow_say_params_init(ishow_say_params *p);

/* Speaks `text`. `voice` must be NULL for the built-in engine and a voice for any other. `params` NULL
 * takes the defaults; `stats` may be NULL. A text with nothing to speak is ISHOW_E_ARG. In f32 the audio is what
 * F5-TTS's infer_process makes of the same voice, text, parameters and seed; the chunks of a long text are cross-faded. */
ISHOW_API int ishow_say(ishow_engine *engine, const ishow_voice *voice, const char *text,
                        const ishow_say_params *params, ishow_audio_fn on_audio, void *user,
                        ishow_stats *stats, ishow_error *err);

/* One of several texts that are spoken together: the arguments of ishow_say, and its result. */
typedef struct ishow_request {
    size_t size;
    const ishow_voice *voice;
    const char *text;
    const ishow_say_params *params; /* NULL: the defaults */
    ishow_audio_fn on_audio;
    void *user;
    ishow_stats *stats; /* NULL, or filled in when the result is ISHOW_OK; its size is set before */
    ishow_error *err;   /* NULL, or filled in when it is not */
    int result;         /* ISHOW_OK, or why it failed */
} ishow_request;

#define ISHOW_BATCH_MAX 64

ISHOW_API void ishow_request_init(ishow_request *r);

/* Speaks 1..ISHOW_BATCH_MAX requests on one engine. Those with the same nfe, sway and cfg_strength share each
 * evaluation of the model, chunk by chunk: the first chunk of every one is made, then the second of those that have
 * one, and so on. Others run after them, so it is for the caller to bring together what fits. Each sounds as it does
 * alone (the built-in voices, which speak one after another, never say a text twice the same way). A request that
 * fails, or whose callback returns non-zero, leaves within one evaluation, and the others go on. Returns ISHOW_OK when
 * every request has its result, good or bad. */
ISHOW_API int ishow_say_many(ishow_engine *engine, ishow_request *const *requests, int n, ishow_error *err);

/* -------- sound encoding -------- */

/* PCM in, the bytes of a container out: "wav", "flac", "ogg", "opus", "mp3", "pcm" (s16le). `total` is
 * the number of samples to come, or 0 when unknown (a wav then carries the maximal sizes). */
typedef struct ishow_encoder ishow_encoder;
typedef int (*ishow_bytes_fn)(void *user, const void *bytes, size_t n); /* non-zero: ISHOW_E_IO */
ISHOW_API int ishow_encoder_create(const char *format, uint64_t total, ishow_bytes_fn sink, void *user,
                                   ishow_encoder **ret, ishow_error *err);
ISHOW_API int ishow_encoder_write(ishow_encoder *e, const float *samples, size_t n, ishow_error *err);
ISHOW_API int ishow_encoder_finish(ishow_encoder *e, ishow_error *err);
ISHOW_API void ishow_encoder_free(ishow_encoder *e); /* accepts NULL */

/* -------- checking -------- */

typedef struct ishow_check {
    const char *name;       /* of the tensor */
    int ndim;
    const int64_t *shape;
    double nmse;            /* sum (a - b)^2 / sum b^2; NaN when it could not be compared */
    int ok;                 /* nmse within tolerance */
    const char *note;       /* why not compared, or "" */
} ishow_check;

/* Runs a golden case (a folder with case.json, ref.wav, vocab.txt, model.safetensors or model.pt, vocos/ and
 * expected.safetensors) on its own weights and calls `on_check` once a tensor. `write` (or NULL) names
 * a .safetensors file that receives what was computed. `weights` (or NULL) picks the checkpoint file within
 * the folder. ret_failed counts the tensors that are out of tolerance or missing. */
typedef void (*ishow_check_fn)(void *user, const ishow_check *check);
ISHOW_API int ishow_verify(const char *dir, const char *weights, const char *write, double tolerance,
                           int threads, ishow_check_fn on_check, void *user, int *ret_failed,
                           ishow_error *err);

/* -------- measuring -------- */

/* `doing` says what is measured, `done` how much of all is, 0..1. Non-zero cancels. */
typedef int (*ishow_bench_fn)(void *user, const char *doing, double done);

typedef struct ishow_bench_params {
    size_t size;
    const char *preset;     /* "v1-base", "v1-small" or "tiny": random weights; NULL: `open` names a model */
    const char *keep;       /* folder that keeps the preset's weights for another time; NULL: a temporary one */
    const ishow_open_params *open; /* model, vocoder, threads … ; NULL: the defaults */
    /* Lists with commas; NULL takes the default. */
    const char *precisions; /* "f32,bf16,int8": those of the three that this CPU has kernels for; mixtures, which have
                               commas, are listed with semicolons */
    const char *texts;      /* of "short", "medium", "long": 470, 750 and about 1300 frames; all, unless `frames` */
    const char *frames;     /* "750,1500": of clip (281) and speech together, instead of the texts' own lengths */
    const char *nfe;        /* "7" */
    int runs;               /* after a warm-up, 1..1000; 5 */
    int sweep;              /* 1: cost from 400 to 3000 frames instead; 0 */
    ishow_bench_fn on_progress; /* NULL */
    void *progress_user;
} ishow_bench_params;

ISHOW_API void ishow_bench_params_init(ishow_bench_params *p);

/* Measures the CPU's peaks and the speed and memory of synthesis with a 3 s clip. The result is one JSON object, freed
 * with ishow_free; docs/PERFORMANCE.md names its fields. Takes the memory and time of several syntheses. */
ISHOW_API int ishow_bench(const ishow_bench_params *params, char **ret_json, ishow_error *err);
ISHOW_API void ishow_free(void *p); /* what the library gave; accepts NULL */

/* -------- comparing -------- */

/* One text said at one precision with one number of evaluations; what it points to lives as long as the call. */
typedef struct ishow_quality_run {
    const char *text; /* as it was spoken, numbers written out */
    int text_index;   /* from 0 */
    const char *precision; /* "f32", "bf16", "int8:out" */
    int nfe;
    double took;      /* seconds, vocoder included */
    double nmse;      /* of the mel, against f32 with as many evaluations: sum (a - b)^2 / sum b^2 */
    double nmse_best; /* against f32 with 32 evaluations */
    double lsd;       /* of the wave, against the same: log-spectral distance in dB */
    double snr;       /* the same: what is equal over what differs in dB, infinite when nothing differs */
    const float *mel; /* [frames, bands], natural logarithm; of the speech without the clip */
    int frames, bands;
    const float *samples; /* at ISHOW_RATE */
    size_t sample_count;
} ishow_quality_run;

/* One precision over all texts, at the number of evaluations where it was worst. */
typedef struct ishow_quality_verdict {
    const char *precision;
    int nfe;
    double nmse; /* as ishow_quality_run's, over all texts together */
    int good;    /* below 1e-3: as good as f32 */
} ishow_quality_verdict;

typedef int (*ishow_quality_fn)(void *user, const ishow_quality_run *run); /* non-zero cancels */
typedef void (*ishow_verdict_fn)(void *user, const ishow_quality_verdict *v);

typedef struct ishow_quality_params {
    size_t size;
    const ishow_open_params *open; /* model, cache, threads …; its precision counts for nothing; NULL: the defaults */
    const char *ref, *ref_words;   /* a clip and the words in it; NULL: a sentence of the built-in voice */
    const char *const *texts;      /* up to 100, each short enough for one piece; NULL: three */
    int text_count;
    const char *precisions; /* beside f32: "bf16,int8"; mixtures, which have commas, are listed with semicolons.
                               NULL: those two, if this CPU has kernels for them */
    const char *nfe;        /* evaluations: "7", "7,16" */
    uint64_t seed;          /* of the noise, the same for all; 1234 */
    ishow_quality_fn on_run;     /* NULL; f32 comes first */
    ishow_verdict_fn on_verdict; /* NULL */
    void *user;                  /* of both */
    ishow_bench_fn on_progress;  /* NULL */
    void *progress_user;
} ishow_quality_params;

#define ISHOW_PRECISION_TEXT 64

ISHOW_API void ishow_quality_params_init(ishow_quality_params *p);

/* Compares precisions and numbers of evaluations with f32 and 32 evaluations on the user's own model. Verdicts are
 * remembered beside the converted weights; ret_auto receives what precision "auto" takes from now on. One copy of the
 * weights is in memory at a time. */
ISHOW_API int ishow_quality(const ishow_quality_params *params, char ret_auto[ISHOW_PRECISION_TEXT], ishow_error *err);

/* -------- what is here -------- */

/* One finding of `ishowtts doctor`, or about a clip. */
typedef enum ishow_verdict { ISHOW_GOOD, ISHOW_NOTE, ISHOW_BAD } ishow_verdict;
typedef struct ishow_finding {
    const char *topic;   /* "cpu", "memory", "model f5", … */
    ishow_verdict verdict;
    const char *text;    /* what was found */
    const char *mend;    /* what improves it, of ishow_doctor a command; or "" */
} ishow_finding;
typedef void (*ishow_finding_fn)(void *user, const ishow_finding *f);
ISHOW_API int ishow_doctor(ishow_finding_fn on_finding, void *user, ishow_error *err);

#define ISHOW_CLIP_MAX_SECONDS 30        /* of sound in a clip that is checked */
#define ISHOW_CLIP_MAX_BYTES (64u << 20) /* of its file */

typedef struct ishow_clip_info {
    size_t size;
    double seconds;
    int rate, channels;
    double peak; /* of all channels, 0..1 */
    double rms;  /* of their mean, 0..1 */
} ishow_clip_info;

/* Is this sound file, or are these n bytes of one, fit to be a voice's clip, and do these words (NULL: not looked at) go
 * with it? Needs no engine. Calls on_finding once a fault, by topic "length", "loudness", "clipping", "noise", "tail",
 * "channels", "rate" and "words": ISHOW_BAD where the voice would be refused or of no use, ISHOW_NOTE where it could be
 * better; not at all for a clip without fault. ret_info (or NULL; set its size before) is filled in either case. Fails
 * when the file is no sound (ISHOW_E_FORMAT) or too much of it (ISHOW_E_LIMIT), whatever its header says. */
ISHOW_API int ishow_clip_check(const char *path, const char *words, ishow_finding_fn on_finding, void *user,
                               ishow_clip_info *ret_info, ishow_error *err);
ISHOW_API int ishow_clip_check_memory(const void *bytes, size_t n, const char *words, ishow_finding_fn on_finding,
                                      void *user, ishow_clip_info *ret_info, ishow_error *err);

#ifdef __cplusplus
}
#endif
#endif
