/* `ishowtts say`: a text into a sound file.
 *
 * To a file, the speech is collected, encoded with its exact length and put in place at the end, so that a failure
 * leaves what was there. To stdout it is encoded and written while it is made. */
#include "cli/cli.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/output.h"
#include "cli/player.h"
#include "cli/terminal.h"
#include "cli/voice_config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: ishowtts say [options] TEXT...      (TEXT \"-\" reads stdin)\n"
    "Speaks a text: with a model in the voice of a reference clip, without one in a built-in voice.\n"
    "\n"
    "  -o, --output FILE    .wav, .flac, .ogg, .opus or .mp3; \"-\" is stdout (speech.wav)\n"
    "      --format NAME    of the output, when its name does not tell: also pcm (s16le)\n"
    "      --play           play it as well, if there is a sound device\n"
    "\n"
    "  --model NAME|PATH    f5, f5-v0, builtin, a folder or a checkpoint (the best one installed)\n"
    "  --vocab FILE         the model's tokens (vocab.txt beside the checkpoint)\n"
    "  --vocoder DIR        config.yaml and pytorch_model.bin (vocos/ beside the checkpoint, or the fetched one)\n"
    "  --arch v0|v1         which F5-TTS a checkpoint is, when its name does not tell\n"
    "  --ref CLIP           a few seconds of the voice, in any sound file\n"
    "  --ref-text WORDS     what is said in the clip\n"
    "  --voice NAME         a voice of the configuration instead (--config FILE)\n"
    "\n"
    "  --precision P        auto, f32, bf16, int8: see `ishowtts quality` (auto)\n"
    "  --cache DIR          where converted weights are kept; \"\" keeps none (~/.cache/ishowtts/packs)\n"
    "  --nfe N              evaluations of the model: more is better and slower (7)\n"
    "  --cfg X              guidance strength; 0 halves the work (2)\n"
    "  --sway X             sway sampling coefficient, -1 to 1 (-1)\n"
    "  --speed X            (1)\n"
    "  --seed N             the same seed gives the same speech (random)\n"
    "  --fix-duration S     seconds of clip and speech together (estimated from the text)\n"
    "  --target-rms X       loudness a quiet clip is raised to (0.1)\n"
    "  --cross-fade S       between the pieces of a long text (0.15)\n"
    "  --remove-silence     take out long pauses\n"
    "  --no-normalize       do not write out numbers, dates, money, emoji\n"
    "  --threads N          0 is one a CPU (0)\n"
    "  -q, --quiet          no words on stderr but errors\n"
    "  --help               this text\n"
    "\n"
    "exit code: 0 spoken, 1 failed (the output file is as it was), 2 wrong usage, 130 interrupted\n";

struct say_options {
    ishow_open_params open;
    ishow_say_params say;
    const char *output, *format;
    const char *ref, *ref_text, *voice, *config;
    int play, quiet;
};

enum { OPT_FORMAT = 256, OPT_PLAY, OPT_MODEL, OPT_VOCAB, OPT_VOCODER, OPT_ARCH, OPT_REF, OPT_REF_TEXT, OPT_VOICE,
       OPT_CONFIG, OPT_NFE, OPT_CFG, OPT_SWAY, OPT_SPEED, OPT_SEED, OPT_FIX, OPT_RMS, OPT_FADE, OPT_REMOVE,
       OPT_PLAIN, OPT_THREADS, OPT_PRECISION, OPT_CACHE, OPT_HELP };

static const struct option long_options[] = {{"output", required_argument, NULL, 'o'},
                                             {"format", required_argument, NULL, OPT_FORMAT},
                                             {"play", no_argument, NULL, OPT_PLAY},
                                             {"model", required_argument, NULL, OPT_MODEL},
                                             {"vocab", required_argument, NULL, OPT_VOCAB},
                                             {"vocoder", required_argument, NULL, OPT_VOCODER},
                                             {"arch", required_argument, NULL, OPT_ARCH},
                                             {"ref", required_argument, NULL, OPT_REF},
                                             {"ref-text", required_argument, NULL, OPT_REF_TEXT},
                                             {"voice", required_argument, NULL, OPT_VOICE},
                                             {"config", required_argument, NULL, OPT_CONFIG},
                                             {"precision", required_argument, NULL, OPT_PRECISION},
                                             {"cache", required_argument, NULL, OPT_CACHE},
                                             {"nfe", required_argument, NULL, OPT_NFE},
                                             {"cfg", required_argument, NULL, OPT_CFG},
                                             {"sway", required_argument, NULL, OPT_SWAY},
                                             {"speed", required_argument, NULL, OPT_SPEED},
                                             {"seed", required_argument, NULL, OPT_SEED},
                                             {"fix-duration", required_argument, NULL, OPT_FIX},
                                             {"target-rms", required_argument, NULL, OPT_RMS},
                                             {"cross-fade", required_argument, NULL, OPT_FADE},
                                             {"remove-silence", no_argument, NULL, OPT_REMOVE},
                                             {"no-normalize", no_argument, NULL, OPT_PLAIN},
                                             {"threads", required_argument, NULL, OPT_THREADS},
                                             {"quiet", no_argument, NULL, 'q'},
                                             {"help", no_argument, NULL, OPT_HELP},
                                             {0}};

/* 0, or EXIT_USAGE; -1 when help was printed. */
static int parse_options(int argc, char **argv, struct say_options *o)
{
    long long whole;
    int c, rc = 0;
    while (!rc && (c = getopt_long(argc, argv, "o:q", long_options, NULL)) != -1) {
        switch (c) {
        case 'o': o->output = optarg; break;
        case 'q': o->quiet = 1; break;
        case OPT_FORMAT: o->format = optarg; break;
        case OPT_PLAY: o->play = 1; break;
        case OPT_MODEL: o->open.model = optarg; break;
        case OPT_VOCAB: o->open.vocab = optarg; break;
        case OPT_VOCODER: o->open.vocoder = optarg; break;
        case OPT_PRECISION: o->open.precision = optarg; break;
        case OPT_CACHE: o->open.cache = optarg; break;
        case OPT_ARCH: rc = parse_arch("say", optarg, &o->open.arch); break;
        case OPT_REF: o->ref = optarg; break;
        case OPT_REF_TEXT: o->ref_text = optarg; break;
        case OPT_VOICE: o->voice = optarg; break;
        case OPT_CONFIG: o->config = optarg; break;
        case OPT_CFG: rc = parse_number("say", "cfg", optarg, &o->say.cfg_strength); break;
        case OPT_SWAY: rc = parse_number("say", "sway", optarg, &o->say.sway); break;
        case OPT_SPEED: rc = parse_number("say", "speed", optarg, &o->say.speed); break;
        case OPT_FIX: rc = parse_number("say", "fix-duration", optarg, &o->say.fix_duration); break;
        case OPT_RMS: rc = parse_number("say", "target-rms", optarg, &o->say.target_rms); break;
        case OPT_FADE: rc = parse_number("say", "cross-fade", optarg, &o->say.cross_fade); break;
        case OPT_REMOVE: o->say.remove_silence = 1; break;
        case OPT_PLAIN: o->say.normalize = 0; break;
        case OPT_NFE:
            if (!(rc = parse_whole("say", "nfe", optarg, 1, ISHOW_NFE_MAX, &whole)))
                o->say.nfe = (int)whole;
            break;
        case OPT_SEED:
            if (!(rc = parse_whole("say", "seed", optarg, 0, INT64_MAX, &whole)))
                o->say.seed = (uint64_t)whole;
            break;
        case OPT_THREADS:
            if (!(rc = parse_whole("say", "threads", optarg, 0, 256, &whole)))
                o->open.threads = (int)whole;
            break;
        case OPT_HELP: fputs(usage, stdout); return -1;
        default: return EXIT_USAGE; /* getopt has said why */
        }
    }
    if (rc)
        return rc;
    if (optind == argc)
        return report_usage("say", "a text is missing");
    if (o->voice && (o->ref || o->ref_text))
        return report_usage("say", "--voice and --ref exclude each other");
    if (!o->ref != !o->ref_text)
        return report_usage("say", "--ref and --ref-text belong together: the model needs the clip and its words");
    return 0;
}

/* The arguments joined by spaces, or stdin for "-". */
static int read_text(char **args, int n, struct buf *text, struct error *err)
{
    if (n == 1 && strcmp(args[0], "-") == 0)
        return file_read("/dev/stdin", ISHOW_TEXT_MAX, text, err);
    for (int i = 0; i < n; i++)
        if ((i && buf_add_char(text, ' ')) || buf_add_str(text, args[i]))
            return error_nomem(err);
    return 0;
}

static int make_voice(ishow_engine *engine, const struct say_options *o, ishow_voice **ret, ishow_error *err)
{
    ishow_info info = {.size = sizeof info};
    struct config *config = NULL;
    const struct config_voice *found;
    const char *ref = o->ref, *words = o->ref_text;
    ishow_describe(engine, &info);
    if (strcmp(info.engine, "builtin") == 0 && !ref && !o->voice)
        return 0;
    if (o->voice) {
        int rc = config_voice_find(o->config, o->voice, &config, &found, (struct error *)err);
        if (rc)
            return rc;
        ref = found->reference_audio;
        words = found->reference_text;
    }
    int rc = !ref ? error_set((struct error *)err, E_ARG,
                              "the model %s needs a voice to speak in: --ref CLIP --ref-text WORDS, or --voice NAME",
                              info.model)
                  : ishow_voice_from_file(engine, ref, words, ret, err);
    config_free(config);
    return rc;
}

struct sink {
    struct output *output;
    ishow_error *err;
};

static int on_audio(void *user, const float *samples, size_t n)
{
    struct sink *s = user;
    return interrupted() || output_write(s->output, samples, n, s->err);
}

static int on_progress(void *user, int done, int total)
{
    const struct say_options *o = user;
    if (!o->quiet && terminal_live(stderr))
        fprintf(stderr, "\r\033[Kspeaking: %d of %d evaluations", done, total);
    return interrupted();
}

static int on_load(void *user, uint64_t done, uint64_t total)
{
    const struct say_options *o = user;
    if (!o->quiet && total && terminal_live(stderr))
        fprintf(stderr, "\r\033[Kconverting the weights: %llu %%", (unsigned long long)(done * 100 / total));
    return interrupted();
}

static void on_notice(void *user, const char *text)
{
    const struct say_options *o = user;
    if (!o->quiet)
        fprintf(stderr, "%s%s\n", terminal_live(stderr) ? "\r\033[K" : "", text);
}

static void tell(const struct say_options *o, const ishow_engine *engine, const ishow_stats *stats)
{
    ishow_info info = {.size = sizeof info};
    const double seconds = (double)stats->samples / ISHOW_RATE;
    ishow_describe(engine, &info);
    if (o->quiet)
        return;
    if (terminal_live(stderr))
        fputs("\r\033[K", stderr);
    fprintf(stderr, "%s: %.2f s of speech in %.2f s, real-time factor %.3f\n",
            strcmp(o->output, "-") ? o->output : "stdout", seconds, stats->seconds, stats->seconds / seconds);
    if (strcmp(info.engine, "f5") == 0)
        fprintf(stderr, "voice: %s, cloned by %s (%s, %s), seed %llu\n", o->voice ? o->voice : o->ref, info.model,
                info.arch, info.precision, (unsigned long long)stats->seed);
    else
        fprintf(
            stderr,
            "voice: %s (built in)\n"
            "For a cloned voice: `ishowtts pull f5`, then `ishowtts say --ref clip.wav --ref-text \"its words\" …`\n",
            stats->voice);
}

static int speak(const struct say_options *o, const char *text, ishow_error *err)
{
    ishow_engine *engine = NULL;
    ishow_voice *voice = NULL;
    struct output output = OUTPUT_INIT;
    ishow_error write_err = {0};
    struct sink sink = {&output, &write_err};
    ishow_stats stats = {.size = sizeof stats};
    int rc = output_open(&output, o->output, o->format, err);
    if (!rc)
        rc = ishow_open(&o->open, &engine, err);
    if (!rc)
        rc = make_voice(engine, o, &voice, err);
    if (!rc)
        rc = ishow_say(engine, voice, text, &o->say, on_audio, &sink, &stats, err);
    if (rc == ISHOW_E_CANCELLED && write_err.code) {
        *err = write_err;
        rc = err->code;
    }
    if (!rc)
        rc = output_finish(&output, err);
    if (rc && !o->quiet && terminal_live(stderr))
        fputs("\r\033[K", stderr);
    if (!rc)
        tell(o, engine, &stats);
    output_release(&output);
    ishow_voice_free(voice);
    ishow_close(engine);
    return rc;
}

int cmd_say(int argc, char **argv)
{
    struct say_options o = {.output = "speech.wav"};
    struct buf text = BUF_INIT;
    ishow_error err;
    ishow_open_params_init(&o.open);
    ishow_say_params_init(&o.say);
    int rc = parse_options(argc, argv, &o);
    if (rc)
        return rc < 0 ? EXIT_DONE : rc;
    o.open.on_load = on_load;
    o.open.on_notice = on_notice;
    o.open.user = &o;
    o.say.on_progress = on_progress;
    o.say.progress_user = &o;
    interrupt_catch();
    rc = read_text(argv + optind, argc - optind, &text, (struct error *)&err);
    if (!rc && memchr(text.ptr, '\0', text.len))
        rc = error_set((struct error *)&err, E_FORMAT, "the text holds a zero byte");
    if (!rc)
        rc = speak(&o, text.ptr ? text.ptr : "", &err);
    buf_release(&text);
    if (rc)
        return report_error("say", &err);
    if (o.play && strcmp(o.output, "-") != 0)
        player_play(o.output);
    return EXIT_DONE;
}
