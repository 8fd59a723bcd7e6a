/* `ishowtts top`: asks a server for its metrics again and again, and minds the terminal. See top.h. */
#include "cli/cli.h"

#include "base/file.h"
#include "cli/terminal.h"
#include "cli/top.h"
#include "net/http_client.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_MAX 4194304 /* bytes of a page of metrics, or of health */
#define TIMEOUT_MS 5000
#define LOOK_EVERY 0.1 /* seconds between looks for Ctrl-C and a resized window */

static const char usage[] =
    "usage: ishowtts top [options]\n"
    "Shows what a speech server does, by its /metrics and /api/health: speed, queue, requests, errors, memory.\n"
    "Rates are of the last refresh, percentiles of the last minute (since its start, at first). q quits.\n"
    "Without a terminal it prints a line at every refresh.\n"
    "\n"
    "  --url URL       (http://127.0.0.1:27121)\n"
    "  --interval S    seconds between refreshes (1)\n"
    "  --token TOKEN   bearer token; also ISHOWTTS_TOKEN\n"
    "  --once          show it once, with figures since the server's start\n"
    "  --json          JSON on stdout, one object a refresh\n"
    "  --help          this text\n"
    "\n"
    "exit code: 0 done, 1 failed (with --once: no answer), 2 wrong usage, 130 interrupted\n";

struct question { /* one of the two pages that are asked for */
    struct top *top;
    char *url;
    struct buf answer;
    char trouble[TOP_TEXT_MAX];
    int ok;
};

struct top {
    const char *token;
    int once, json, live;
    struct top_watch watch;
    struct loop *loop;
    struct http_client *client;
    struct http_headers *headers;
    struct question metrics, health;
    int waiting; /* answers that have not come */
    double asked_at;
    struct loop_timer refresh, look;
    struct loop_watch *keys;
    struct termios saved;
    int terminal_changed, rows, columns;
    int failed; /* memory, or stdout */
};

/* -------- the terminal -------- */

static void take_terminal(struct top *t)
{
    fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &t->saved) == 0) {
        struct termios keys = t->saved;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys.c_cc[VSUSP] = _POSIX_VDISABLE; /* Ctrl-Z would leave the shell on this screen */
        t->terminal_changed = tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
    }
}

static void give_terminal_back(struct top *t)
{
    if (t->terminal_changed)
        tcsetattr(STDIN_FILENO, TCSANOW, &t->saved);
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
}

static void draw(struct top *t)
{
    struct buf frame = BUF_INIT;
    t->rows = terminal_height(stdout);
    t->columns = terminal_width(stdout);
    const struct top_look look = {t->rows - 1, t->columns, terminal_colour(stdout), terminal_utf8()};
    t->failed |= top_screen(&frame, &t->watch, &look);
    fputs("\033[H", stdout);
    for (const char *line = frame.ptr, *end; line && (end = strchr(line, '\n')); line = end + 1) {
        fwrite(line, 1, (size_t)(end - line), stdout);
        fputs("\033[K\n", stdout);
    }
    fputs("\033[J", stdout);
    t->failed |= fflush(stdout) != 0;
    buf_release(&frame);
}

static void show(struct top *t)
{
    struct buf line = BUF_INIT;
    const int on_terminal = terminal_live(stdout);
    const struct top_look look = {1000, on_terminal ? terminal_width(stdout) : 200, terminal_colour(stdout),
                                  on_terminal ? terminal_utf8() : 1};
    if (t->live) {
        draw(t);
        return;
    }
    if (t->json) {
        t->failed |= top_json(stdout, &t->watch, t->once) != 0;
        return;
    }
    t->failed |= t->once ? top_screen(&line, &t->watch, &look) : top_line(&line, &t->watch);
    if (!t->failed)
        fwrite(line.ptr, 1, line.len, stdout);
    t->failed |= fflush(stdout) != 0;
    buf_release(&line);
}

/* -------- asking -------- */

static void ask(void *user);

static void settle(struct top *t)
{
    top_watch_trouble(&t->watch, t->metrics.ok ? "" : t->metrics.trouble);
    if (t->metrics.ok)
        top_watch_page(&t->watch, t->metrics.answer.ptr, t->metrics.answer.len);
    if (t->health.ok)
        top_watch_health(&t->watch, t->health.answer.ptr, t->health.answer.len);
    if (!t->once || t->metrics.ok || t->json)
        show(t);
    if (t->once || t->failed) {
        loop_stop(t->loop);
        return;
    }
    const double left = t->asked_at + t->watch.interval - loop_now(t->loop);
    loop_timer_start(t->loop, &t->refresh, left > 0 ? left : 0, ask, t);
}

static int on_data(void *user, int status, const void *data, size_t len)
{
    struct question *q = user;
    (void)status;
    return q->answer.len + len > ANSWER_MAX || buf_add(&q->answer, data, len) != 0;
}

static void on_done(void *user, const struct http_outcome *o)
{
    struct question *q = user;
    if (o->error)
        snprintf(q->trouble, sizeof q->trouble, "%s", o->error);
    else if (o->hung_up)
        snprintf(q->trouble, sizeof q->trouble, "the answer is over %d bytes", ANSWER_MAX);
    else if (o->status == 401 || o->status == 403)
        snprintf(q->trouble, sizeof q->trouble, "%d, it wants a token that may read: --token", o->status);
    else if (o->status != 200)
        snprintf(q->trouble, sizeof q->trouble, "it answers %d to %s", o->status, q->url);
    q->ok = !o->error && !o->hung_up && o->status == 200;
    if (--q->top->waiting == 0)
        settle(q->top);
}

static void ask(void *user)
{
    struct top *t = user;
    struct question *const both[] = {&t->metrics, &t->health};
    t->asked_at = loop_now(t->loop);
    t->waiting = 2;
    for (int i = 0; i < 2; i++) {
        struct question *q = both[i];
        const struct http_call call = {.url = q->url,
                                       .headers = t->headers,
                                       .timeout_ms = TIMEOUT_MS,
                                       .on_data = on_data,
                                       .on_done = on_done,
                                       .user = q};
        q->answer.len = 0;
        q->ok = 0;
        if (http_client_call(t->client, &call, NULL)) {
            t->failed = 1;
            loop_stop(t->loop);
            return;
        }
    }
}

static void look(void *user)
{
    struct top *t = user;
    if (interrupted()) {
        loop_stop(t->loop);
        return;
    }
    if (t->live && (terminal_height(stdout) != t->rows || terminal_width(stdout) != t->columns))
        draw(t);
    loop_timer_start(t->loop, &t->look, LOOK_EVERY, look, t);
}

static void on_key(void *user, uint32_t events)
{
    struct top *t = user;
    char keys[64];
    const ssize_t n = read(STDIN_FILENO, keys, sizeof keys);
    (void)events;
    if (n <= 0 || memchr(keys, 'q', (size_t)n) || memchr(keys, 'Q', (size_t)n))
        loop_stop(t->loop); /* or the terminal is gone */
}

/* -------- the command -------- */

static int prepare(struct top *t, struct error *err)
{
    struct buf line = BUF_INIT, base = BUF_INIT;
    int bad = buf_add_str(&base, t->watch.url);
    while (!bad && base.len && base.ptr[base.len - 1] == '/')
        base.ptr[--base.len] = '\0';
    bad = bad || top_watch_init(&t->watch) || !(t->metrics.url = path_join(base.ptr, "metrics")) ||
          !(t->health.url = path_join(base.ptr, "api/health"));
    if (!bad && t->token)
        bad = buf_addf(&line, "Authorization: Bearer %s", t->token) || http_headers_add(&t->headers, line.ptr);
    buf_release(&line);
    buf_release(&base);
    if (bad)
        return error_nomem(err);
    t->metrics.top = t->health.top = t;
    int rc = loop_create(&t->loop, err);
    if (!rc)
        rc = http_client_create(t->loop, 2, &t->client, err);
    if (!rc && t->live && isatty(STDIN_FILENO))
        rc = loop_watch(t->loop, STDIN_FILENO, EPOLLIN, on_key, t, &t->keys, err);
    return rc;
}

static void release(struct top *t)
{
    loop_timer_stop(&t->refresh);
    loop_timer_stop(&t->look);
    loop_unwatch(t->keys);
    http_client_free(t->client);
    loop_free(t->loop);
    http_headers_free(t->headers);
    top_watch_release(&t->watch);
    buf_release(&t->metrics.answer);
    buf_release(&t->health.answer);
    free(t->metrics.url);
    free(t->health.url);
}

static int watch(struct top *t)
{
    struct error err = {0};
    int rc = prepare(t, &err);
    if (!rc) {
        interrupt_catch();
        if (t->live)
            take_terminal(t);
        loop_timer_start(t->loop, &t->refresh, 0, ask, t);
        loop_timer_start(t->loop, &t->look, LOOK_EVERY, look, t);
        rc = loop_run(t->loop, &err);
        if (t->live)
            give_terminal_back(t);
    }
    if (rc)
        return report_error("top", (const ishow_error *)&err);
    if (t->failed) {
        fputs("ishowtts top: cannot show anything: out of memory, or stdout cannot be written\n", stderr);
        return EXIT_FAILED;
    }
    if (interrupted())
        return 128 + interrupted();
    if (t->once && !t->metrics.ok) {
        fprintf(stderr, "ishowtts top: %s: %s\n", t->watch.url, t->watch.trouble);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

int cmd_top(int argc, char **argv)
{
    static const struct option longs[] = {{"url", required_argument, NULL, 'u'},
                                          {"interval", required_argument, NULL, 'i'},
                                          {"token", required_argument, NULL, 't'},
                                          {"once", no_argument, NULL, 'o'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct top t = {.watch = {.url = "http://127.0.0.1:27121", .interval = 1}};
    int code = 0;
    for (int c; !code && (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'u':
            t.watch.url = optarg;
            break;
        case 'i':
            code = parse_number("top", "interval", optarg, &t.watch.interval);
            if (!code && (t.watch.interval < 0.1 || t.watch.interval > 3600))
                code = report_usage("top", "--interval wants seconds from 0.1 to 3600, not \"%s\"", optarg);
            break;
        case 't':
            t.token = optarg;
            break;
        case 'o':
            t.once = 1;
            break;
        case 'j':
            t.json = 1;
            break;
        case 'h':
            fputs(usage, stdout);
            return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
        default:
            return EXIT_USAGE; /* getopt has said why */
        }
    }
    if (code)
        return code;
    if (optind < argc)
        return report_usage("top", "no arguments are taken, and \"%s\" was found", argv[optind]);
    if (strncmp(t.watch.url, "http://", 7) != 0 && strncmp(t.watch.url, "https://", 8) != 0)
        return report_usage("top", "--url wants an address that begins with http:// or https://, not \"%s\"",
                            t.watch.url);
    if ((code = parse_token("top", t.token, &t.token)))
        return code;
    t.live = !t.once && !t.json && terminal_live(stdout);
    code = watch(&t);
    release(&t);
    return code;
}
