/* `ishowtts doctor`: what is here, how well it will do, and the command that mends what could do better. */
#include "cli/cli.h"
#include "cli/terminal.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: ishowtts doctor [--json]\n"
    "Looks at models, CPU, memory, GPU, clocks and sound, with a verdict each: good, could be better (!), or\n"
    "cannot work, followed by the command that mends it.\n"
    "\n"
    "  --json  the findings as JSON on stdout\n"
    "  --help  this text\n"
    "\n"
    "exit code: 0 it can speak, 1 something that is here cannot work, 2 wrong usage\n";

static const char *const verdicts[] = {[ISHOW_GOOD] = "good", [ISHOW_NOTE] = "note", [ISHOW_BAD] = "bad"};

struct report {
    json_t *list; /* NULL: lines instead */
    int utf8, colour;
    int bad, failed;
};

static void print_line(const struct report *r, const ishow_finding *f)
{
    static const char *const signs[2][3] = {{"+", "!", "x"}, {"✓", "!", "✗"}};
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    printf("%s%s%s %-12s %s\n", r->colour ? colours[f->verdict] : "", signs[r->utf8][f->verdict],
           r->colour ? "\033[0m" : "", f->topic, f->text);
    if (*f->mend)
        printf("  %-12s %s %s\n", "", r->utf8 ? "→" : "->", f->mend);
}

static void on_finding(void *user, const ishow_finding *f)
{
    struct report *r = user;
    r->bad += f->verdict == ISHOW_BAD;
    if (!r->list) {
        print_line(r, f);
        return;
    }
    json_t *one = json_pack("{s:s, s:s, s:s, s:s}", "topic", f->topic, "verdict", verdicts[f->verdict], "text", f->text,
                            "mend", f->mend);
    r->failed |= json_array_append_new(r->list, one) < 0;
}

static int finish_json(struct report *r)
{
    json_t *all = json_pack("{s:s, s:b, s:O}", "version", ishow_version(), "ok", r->bad == 0, "findings", r->list);
    int failed = r->failed || !all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0 || putchar('\n') < 0;
    json_decref(all);
    return failed;
}

int cmd_doctor(int argc, char **argv)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int json = 0;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
        }
        if (c != 'j')
            return EXIT_USAGE;
        json = 1;
    }
    if (optind < argc)
        return report_usage("doctor", "no arguments are taken, and \"%s\" was found", argv[optind]);
    struct report r = {.utf8 = terminal_utf8(), .colour = terminal_colour(stdout)};
    ishow_error err;
    if (json && !(r.list = json_array())) {
        fputs("ishowtts doctor: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    int rc = ishow_doctor(on_finding, &r, &err);
    int failed = rc == 0 && json && finish_json(&r);
    json_decref(r.list);
    if (rc)
        return report_error("doctor", &err);
    if (failed || fflush(stdout) || ferror(stdout)) {
        fputs("ishowtts doctor: cannot write to stdout\n", stderr);
        return EXIT_FAILED;
    }
    return r.bad ? EXIT_FAILED : EXIT_DONE;
}
