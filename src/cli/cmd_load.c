/* `ishowtts load`: what a speech server does under load. */
#include "cli/cli.h"
#include "cli/load.h"
#include "net/http_fetch.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ishowtts load [options]\n"
    "Sends requests to a speech server, this one or another with OpenAI's interface, and measures the answers.\n"
    "\n"
    "  --url URL            (http://127.0.0.1:27121)\n"
    "  --endpoint NAME      speech (/v1/audio/speech), tts (/api/tts), health, voices, or a path to GET (speech)\n"
    "  --rate R             R requests a second, whether answers come or not; latency counts from the intended time\n"
    "  --arrivals HOW       poisson (random) or uniform (evenly spaced), with --rate (poisson)\n"
    "  --concurrency N      instead: N clients, each sending when it has its answer (1)\n"
    "  --duration S         seconds to send for (10, unless --requests is given)\n"
    "  --requests N         how many to send\n"
    "  --text-file FILE     what is said, one text a line, in turn (lines of a chat)\n"
    "  --voice NAME, --format NAME   voice (the server's default); wav, pcm, mp3, opus, ogg, aac, flac (wav)\n"
    "  --stream             ask for the sound while it is made\n"
    "  --hangup P           share of the clients, 0..1, that go away in the middle of an answer (0)\n"
    "  --timeout-ms N       a request has failed after so long (60000)\n"
    "  --token TOKEN        bearer token; also ISHOWTTS_TOKEN\n"
    "  --no-keepalive       a new connection for each request (--keepalive)\n"
    "  --clients N          come as N clients: X-Client-Id, and 127.0.0.2 and so on when the server is 127.0.0.1 (1)\n"
    "  --allow-remote       let the server be another machine: yours, or one whose owner knows\n"
    "  --json               the result as JSON on stdout\n"
    "  --help               this text\n"
    "\n"
    "exit code: 0 done, 1 failed or nothing was answered, 2 wrong usage, 130 interrupted (with a report)\n";

enum {
    OPT_URL = 256,
    OPT_ENDPOINT,
    OPT_TEXT_FILE,
    OPT_VOICE,
    OPT_FORMAT,
    OPT_TOKEN,
    OPT_TEXTS_END,
    OPT_RATE = OPT_TEXTS_END,
    OPT_ARRIVALS,
    OPT_CONCURRENCY,
    OPT_DURATION,
    OPT_REQUESTS,
    OPT_STREAM,
    OPT_HANGUP,
    OPT_TIMEOUT,
    OPT_KEEPALIVE,
    OPT_NO_KEEPALIVE,
    OPT_CLIENTS,
    OPT_ALLOW_REMOTE,
    OPT_JSON,
    OPT_HELP
};

static int parse_between(const char *option, const char *text, double least, double most, double *ret)
{
    double v;
    int rc = parse_number("load", option, text, &v);
    if (!rc && (v < least || v > most))
        rc = report_usage("load", "--%s wants a number from %g to %g, not \"%s\"", option, least, most, text);
    if (!rc)
        *ret = v;
    return rc;
}

static int parse_int(const char *option, const char *text, int most, int *ret)
{
    long long n;
    int rc = parse_whole("load", option, text, 1, most, &n);
    if (!rc)
        *ret = (int)n;
    return rc;
}

static int check_options(const struct load_options *o, const char *arrivals)
{
    static const char *const formats[] = {"wav", "pcm", "mp3", "opus", "ogg", "aac", "flac"};
    static const char *const names[] = {"speech", "tts", "health", "voices"};
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names && strcmp(o->endpoint, names[i]) != 0; i++)
        ;
    if (i == sizeof names / sizeof *names && o->endpoint[0] != '/')
        return report_usage("load", "--endpoint wants speech, tts, health, voices or a path from /, not \"%s\"",
                            o->endpoint);
    for (i = 0; i < sizeof formats / sizeof *formats && strcmp(o->format, formats[i]) != 0; i++)
        ;
    if (i == sizeof formats / sizeof *formats)
        return report_usage("load", "--format wants wav, pcm, mp3, opus, ogg, aac or flac, not \"%s\"", o->format);
    if (o->rate > 0 && o->concurrency)
        return report_usage("load", "--rate and --concurrency are two ways to send");
    if (arrivals && strcmp(arrivals, "poisson") != 0 && strcmp(arrivals, "uniform") != 0)
        return report_usage("load", "--arrivals wants poisson or uniform, not \"%s\"", arrivals);
    if (arrivals && o->rate <= 0)
        return report_usage("load", "--arrivals is about --rate");
    if (strncmp(o->url, "http://", 7) != 0 && strncmp(o->url, "https://", 8) != 0)
        return report_usage("load", "--url wants an address that begins with http:// or https://, not \"%s\"", o->url);
    if (!o->allow_remote && !http_loopback(o->url))
        return report_usage(
            "load",
            "%s is not on this machine, and a load test can stop a server from serving others: if it is "
            "yours, add --allow-remote",
            o->url);
    return 0;
}

static int parse_options(int argc, char **argv, struct load_options *o, int *ret_help)
{
    static const struct option longs[] = {{"url", required_argument, NULL, OPT_URL},
                                          {"endpoint", required_argument, NULL, OPT_ENDPOINT},
                                          {"rate", required_argument, NULL, OPT_RATE},
                                          {"arrivals", required_argument, NULL, OPT_ARRIVALS},
                                          {"concurrency", required_argument, NULL, OPT_CONCURRENCY},
                                          {"duration", required_argument, NULL, OPT_DURATION},
                                          {"requests", required_argument, NULL, OPT_REQUESTS},
                                          {"text-file", required_argument, NULL, OPT_TEXT_FILE},
                                          {"voice", required_argument, NULL, OPT_VOICE},
                                          {"format", required_argument, NULL, OPT_FORMAT},
                                          {"stream", no_argument, NULL, OPT_STREAM},
                                          {"hangup", required_argument, NULL, OPT_HANGUP},
                                          {"timeout-ms", required_argument, NULL, OPT_TIMEOUT},
                                          {"token", required_argument, NULL, OPT_TOKEN},
                                          {"keepalive", no_argument, NULL, OPT_KEEPALIVE},
                                          {"no-keepalive", no_argument, NULL, OPT_NO_KEEPALIVE},
                                          {"clients", required_argument, NULL, OPT_CLIENTS},
                                          {"allow-remote", no_argument, NULL, OPT_ALLOW_REMOTE},
                                          {"json", no_argument, NULL, OPT_JSON},
                                          {"help", no_argument, NULL, OPT_HELP},
                                          {NULL, 0, NULL, 0}};
    const char **const texts[OPT_TEXTS_END - OPT_URL] = {&o->url,   &o->endpoint, &o->text_file,
                                                         &o->voice, &o->format,   &o->token};
    const char *arrivals = NULL;
    long long n;
    int rc = 0;
    for (int c; !rc && (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c >= OPT_URL && c < OPT_TEXTS_END) {
            *texts[c - OPT_URL] = optarg;
            continue;
        }
        switch (c) {
        case OPT_RATE:
            rc = parse_between("rate", optarg, 0.001, LOAD_RATE_MAX, &o->rate);
            break;
        case OPT_ARRIVALS:
            arrivals = optarg;
            break;
        case OPT_CONCURRENCY:
            rc = parse_int("concurrency", optarg, LOAD_AT_A_TIME_MAX, &o->concurrency);
            break;
        case OPT_DURATION:
            rc = parse_between("duration", optarg, 0.01, LOAD_SECONDS_MAX, &o->duration);
            break;
        case OPT_REQUESTS:
            if (!(rc = parse_whole("load", "requests", optarg, 1, LOAD_REQUESTS_MAX, &n)))
                o->requests = (uint64_t)n;
            break;
        case OPT_STREAM:
            o->stream = 1;
            break;
        case OPT_HANGUP:
            rc = parse_between("hangup", optarg, 0, 1, &o->hangup);
            break;
        case OPT_TIMEOUT:
            rc = parse_int("timeout-ms", optarg, 86400000, &o->timeout_ms);
            break;
        case OPT_KEEPALIVE:
        case OPT_NO_KEEPALIVE:
            o->fresh = c == OPT_NO_KEEPALIVE;
            break;
        case OPT_CLIENTS:
            rc = parse_int("clients", optarg, LOAD_CLIENTS_MAX, &o->clients);
            break;
        case OPT_ALLOW_REMOTE:
            o->allow_remote = 1;
            break;
        case OPT_JSON:
            o->json = 1;
            break;
        case OPT_HELP:
            *ret_help = 1;
            return 0;
        default:
            return EXIT_USAGE; /* getopt has said why */
        }
    }
    if (!rc && optind < argc)
        rc = report_usage("load", "no arguments are taken, and \"%s\" was found", argv[optind]);
    if (!rc)
        rc = check_options(o, arrivals);
    if (!rc)
        rc = parse_token("load", o->token, &o->token);
    o->uniform = arrivals && strcmp(arrivals, "uniform") == 0;
    if (o->rate <= 0 && !o->concurrency)
        o->concurrency = 1;
    if (o->duration <= 0 && !o->requests)
        o->duration = 10;
    return rc;
}

/* What came when nothing was answered, for the last sentence. */
static const char *commonest_failure(const struct load_result *r)
{
    const struct load_failure *most = NULL;
    for (int i = 0; i < r->failure_count; i++)
        if (!most || r->failures[i].count > most->count)
            most = &r->failures[i];
    return most ? most->words : "no answer";
}

static int measure(const struct load_options *o, const struct load_plan *plan, struct load_result *r)
{
    struct error err;
    interrupt_catch();
    if (load_run(o, plan, r, &err))
        return report_error("load", (const ishow_error *)&err);
    if ((o->json ? load_report_json : load_report_text)(stdout, o, plan, r)) {
        fputs("ishowtts load: cannot write to stdout\n", stderr);
        return EXIT_FAILED;
    }
    if (r->interrupted)
        return 128 + interrupted();
    if (r->answered + r->hung_up == 0) {
        fprintf(stderr, "ishowtts load: %s: nothing was answered (%s)\n", o->url, commonest_failure(r));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

int cmd_load(int argc, char **argv)
{
    struct load_options o = {.url = "http://127.0.0.1:27121",
                             .endpoint = "speech",
                             .format = "wav",
                             .timeout_ms = 60000,
                             .clients = 1};
    struct load_plan plan = {0};
    struct error err;
    int help = 0, code = parse_options(argc, argv, &o, &help);
    if (code)
        return code;
    if (help) {
        fputs(usage, stdout);
        return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
    }
    struct load_result *result = calloc(1, sizeof *result);
    if (!result) {
        fputs("ishowtts load: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    code = load_plan_make(&o, &plan, &err) ? report_error("load", (const ishow_error *)&err)
                                           : measure(&o, &plan, result);
    load_plan_release(&plan);
    load_result_release(result);
    free(result);
    return code;
}
