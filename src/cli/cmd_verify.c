/* `ishowtts verify`: one line a tensor of a golden case. */
#include "cli/cli.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>

#define DEFAULT_TOLERANCE 1e-8

static const char usage[] =
    "usage: ishowtts verify [options] DIR\n"
    "Runs the golden case in DIR (case.json, ref.wav, vocab.txt, model.safetensors or model.pt, vocos/,\n"
    "expected.safetensors) and prints every tensor's shape and NMSE = sum (a - b)^2 / sum b^2.\n"
    "\n"
    "  --weights FILE    the checkpoint within DIR (model.safetensors, else model.pt)\n"
    "  --write FILE      save what was computed as safetensors, under the same names\n"
    "  --tolerance X     largest NMSE that passes (1e-8)\n"
    "  --threads N       0 is one a CPU (0)\n"
    "  --help            this text\n"
    "\n"
    "exit code: 0 all within tolerance, 1 not, or the case cannot be run, 2 wrong usage\n";

static void on_check(void *user, const ishow_check *c)
{
    char shape[128], value[32] = "-";
    size_t at = 0;
    (void)user;
    shape[0] = '\0';
    for (int i = 0; i < c->ndim && at < sizeof shape; i++)
        at += (size_t)snprintf(shape + at, sizeof shape - at, "%s%lld", i ? "x" : "", (long long)c->shape[i]);
    if (!isnan(c->nmse))
        snprintf(value, sizeof value, "%.2e", c->nmse);
    printf("%-24s %-14s %-10s %s%s%s\n", c->name, shape, value, c->ok ? "ok" : "FAILED", c->note[0] ? ": " : "",
           c->note);
}

int cmd_verify(int argc, char **argv)
{
    static const struct option options[] = {{"weights", required_argument, NULL, 'w'},
                                            {"write", required_argument, NULL, 'o'},
                                            {"tolerance", required_argument, NULL, 't'},
                                            {"threads", required_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *weights = NULL, *write = NULL;
    double tolerance = DEFAULT_TOLERANCE;
    long long threads = 0;
    ishow_error err;
    int c, failed;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'w':
            weights = optarg;
            break;
        case 'o':
            write = optarg;
            break;
        case 't':
            if (parse_number("verify", "tolerance", optarg, &tolerance))
                return EXIT_USAGE;
            break;
        case 'j':
            if (parse_whole("verify", "threads", optarg, 0, 256, &threads))
                return EXIT_USAGE;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_DONE;
        default:
            return EXIT_USAGE; /* getopt has said why */
        }
    }
    if (argc - optind != 1)
        return report_usage("verify", "expected one folder, got %d arguments", argc - optind);
    if (ishow_verify(argv[optind], weights, write, tolerance, (int)threads, on_check, NULL, &failed, &err))
        return report_error("verify", &err);
    if (failed)
        fprintf(stderr, "ishowtts verify: %d tensor%s out of tolerance\n", failed, failed == 1 ? "" : "s");
    return failed ? EXIT_FAILED : EXIT_DONE;
}
