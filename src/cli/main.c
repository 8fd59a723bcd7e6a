/* `ishowtts`: finds the subcommand and hands over. */
#include "cli/cli.h"

#include "base/map_guard.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"say", cmd_say, "speak a text into a sound file"},
    {"serve", cmd_serve, "serve speech over HTTP"},
    {"load", cmd_load, "measure what a speech server does under load"},
    {"top", cmd_top, "watch what a speech server does"},
    {"pull", cmd_pull, "fetch a model"},
    {"doctor", cmd_doctor, "look at this machine: what is here, what is missing, how to mend it"},
    {"bench", cmd_bench, "measure this machine, and how near to its peak synthesis comes"},
    {"quality", cmd_quality, "compare precisions on your model, and remember which are good"},
    {"verify", cmd_verify, "hold this build against reference tensors"},
};

static void print_help(FILE *out)
{
    fputs("usage: ishowtts COMMAND [options]\n"
          "Live speech in a cloned voice.\n"
          "\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].what);
    fputs("\n`ishowtts COMMAND --help` tells more; `ishowtts --version` the version.\n", out);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* for the terminal's width of characters; numbers stay in C notation */
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is a write error like any other */
    map_guard_install(NULL);  /* and a model file that is truncated an error in words */
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("ishowtts %s\n", ishow_version());
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "ishowtts: there is no command \"%s\"; see `ishowtts --help`\n", name);
    return EXIT_USAGE;
}
