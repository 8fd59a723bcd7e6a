/* `ishowtts serve`: the speech server. */
#include "cli/cli.h"

#include "server/auth.h"
#include "server/live_setup.h"
#include "server/server.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>

static const char usage[] =
    "usage: ishowtts serve [options]\n"
    "Serves speech over HTTP: OpenAI's API, and the original's.\n"
    "\n"
    "  --config FILE        the configuration (~/.config/ishowtts/ishowtts.toml, if it is there)\n"
    "  --check-config       say what is in force, and what is odd or wrong, without serving\n"
    "  --bind ADDRESS,...   127.0.0.1:27121, [::1]:27121 or unix:/path, instead of server.bind\n"
    "  --log-level LEVEL    debug, info, warn or error, instead of log.level\n"
    "  --log-format FORMAT  text or json, instead of log.format\n"
    "  --play               play what the live chat says on this machine's sound device, too\n"
    "  --warmup             let the default voice say a word before anybody is served\n"
    "  --help               this text\n"
    "\n"
    "exit code: 0 stopped by a signal, 1 failed, 2 wrong usage\n";

#define SETTINGS_MAX 16
#define LARGE_PIECE  131072 /* bytes */

enum { OPT_CONFIG = 256, OPT_CHECK, OPT_BIND, OPT_LEVEL, OPT_FORMAT, OPT_WARMUP, OPT_PLAY, OPT_HELP };

static const struct option long_options[] = {{"config", required_argument, NULL, OPT_CONFIG},
                                             {"check-config", no_argument, NULL, OPT_CHECK},
                                             {"bind", required_argument, NULL, OPT_BIND},
                                             {"log-level", required_argument, NULL, OPT_LEVEL},
                                             {"log-format", required_argument, NULL, OPT_FORMAT},
                                             {"warmup", no_argument, NULL, OPT_WARMUP},
                                             {"play", no_argument, NULL, OPT_PLAY},
                                             {"help", no_argument, NULL, OPT_HELP},
                                             {0}};

static void print_warning(void *user, const char *sentence)
{
    (void)user;
    fprintf(stderr, "ishowtts serve: %s\n", sentence);
}

/* The last one of a key is what holds. */
static int add_setting(struct config_setting settings[SETTINGS_MAX + 1], const char *key, const char *value,
                       const char *origin)
{
    size_t n = 0;
    while (settings[n].key)
        n++;
    if (n == SETTINGS_MAX)
        return report_usage("serve", "%s is one of too many options", origin);
    settings[n] = (struct config_setting){key, value, origin};
    return 0;
}

static int check_config(const struct server_options *o, ishow_error *err)
{
    struct config *c = NULL;
    struct buf text = BUF_INIT;
    int rc = config_load(o->config, o->settings, &c, print_warning, NULL, (struct error *)err);
    if (!rc)
        rc = auth_check_exposure(c, &c->server.bind, (struct error *)err);
    if (!rc)
        rc = live_check(c, (struct error *)err);
    if (!rc && config_describe(c, &text))
        rc = error_nomem((struct error *)err);
    if (!rc && (fwrite(text.ptr, 1, text.len, stdout) != text.len || fflush(stdout)))
        rc = error_set((struct error *)err, E_IO, "cannot write to stdout");
    buf_release(&text);
    config_free(c);
    return rc;
}

/* Sound comes in pieces of hundreds of kilobytes, made on one thread and freed on another. In pages of their own they
 * go back to the system at once; elsewhere they leave holes that a server keeps for days. malloc would raise the
 * threshold by itself unless it is told one. */
static void return_large_pieces(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, LARGE_PIECE);
#endif
}

int cmd_serve(int argc, char **argv)
{
    struct config_setting settings[SETTINGS_MAX + 1] = {{NULL, NULL, NULL}};
    struct server_options o = {.settings = settings};
    ishow_error err;
    int c, check = 0, rc = 0;
    while (!rc && (c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case OPT_CONFIG: o.config = optarg; break;
        case OPT_CHECK: check = 1; break;
        case OPT_BIND: rc = add_setting(settings, "server.bind", optarg, "--bind"); break;
        case OPT_LEVEL: rc = add_setting(settings, "log.level", optarg, "--log-level"); break;
        case OPT_FORMAT: rc = add_setting(settings, "log.format", optarg, "--log-format"); break;
        case OPT_WARMUP: o.warmup = 1; break;
        case OPT_PLAY: o.play = 1; break;
        case OPT_HELP: fputs(usage, stdout); return EXIT_DONE;
        default: return EXIT_USAGE;
        }
    }
    if (rc)
        return rc;
    if (optind < argc)
        return report_usage("serve", "it takes no arguments");
    return_large_pieces();
    rc = check ? check_config(&o, &err) : server_run(&o, (struct error *)&err);
    return rc ? report_error("serve", &err) : EXIT_DONE;
}
