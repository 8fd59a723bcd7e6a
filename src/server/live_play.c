/* See live_play.h. A player is a child that reads samples from a small pipe, so that a change of volume is heard
 * soon. What must fall silent at once (skip, pause, panic) is in the child's own buffer already: it is killed, and
 * the next clip gets another one. After a pause the clip goes on where the stage says it is, not where the pipe was. */
#include "server/live_play.h"

#include "base/clock.h"
#include "base/sound_device.h"
#include "live/live.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAV_HEADER  44    /* bytes before the samples of our own 16-bit mono files */
#define PIPE_BYTES  16384 /* a third of a second */
#define SOON        2.0   /* seconds: a player that ends by itself before that does not work */
#define GIVE_UP     30.0  /* seconds until players are tried again when none has worked */

extern char **environ;

/* They read the samples of ISHOW_RATE, mono, 16 bit little-endian, from their standard input. */
static const char *const paplay[] = {"paplay",           "--raw",         "--rate=24000", "--channels=1",
                                     "--format=s16le", "--latency-msec=100", NULL};
static const char *const pw_cat[] = {"pw-cat", "--playback", "--raw", "--rate", "24000", "--channels",
                                     "1",      "--format",   "s16",   "-",      NULL};
static const char *const aplay[] = {"aplay", "-q", "-t", "raw", "-f", "S16_LE", "-r", "24000", "-c", "1", "-", NULL};
static const struct {
    const char *const *argv;
    int (*there)(void); /* what it plays on */
} players[] = {{paplay, sound_server_there}, {pw_cat, sound_server_there}, {aplay, sound_card_there}};
#define PLAYERS (sizeof players / sizeof *players)

/* Outlives its place in live_play until it has ended: nobody waits for a process. */
struct child {
    struct child *next;
    struct live_play *play;
    pid_t pid;
    int handle, pipe; /* pipe -1: it was told to end */
    double since;
    struct loop_watch *end, *room;
};

struct live_play {
    struct live_listener listener;
    struct server *server;
    struct child *children; /* all that have not been waited for */
    struct child *child;    /* the one that plays; NULL: none */
    size_t player;          /* in `players`, the one to try */
    double silent_until;    /* no player works; clock_seconds() */
    struct live_clip *clip; /* a reference; NULL: nothing sounds */
    size_t at;              /* bytes of it that are with the child */
    double since;           /* when it began; during a pause how far it was */
    int paused;
    double volume;
};

static void feed(struct live_play *p);

/* -------- children -------- */

static void close_pipe(struct child *c)
{
    loop_unwatch(c->room);
    c->room = NULL;
    if (c->pipe >= 0)
        close(c->pipe);
    c->pipe = -1;
}

static void child_free(struct child *c)
{
    struct child **at = &c->play->children;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    close_pipe(c);
    loop_unwatch(c->end);
    close(c->handle);
    free(c);
}

/* What it holds is not heard any more. */
static void hush(struct live_play *p)
{
    struct child *c = p->child;
    if (!c)
        return;
    p->child = NULL;
    close_pipe(c);
    kill(c->pid, SIGKILL); /* it has not been waited for, so the number is still its own */
}

static void on_end(void *user, uint32_t events)
{
    struct child *c = user;
    struct live_play *p = c->play;
    const int by_itself = p->child == c, soon = clock_seconds() - c->since < SOON;
    int status = 0;
    (void)events;
    if (waitpid(c->pid, &status, WNOHANG) == 0)
        return;
    if (by_itself)
        p->child = NULL;
    child_free(c);
    if (!by_itself)
        return;
    log_event(p->server->log, LOG_WARN, "player ended", log_str("player", players[p->player].argv[0]),
              log_int("code", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)));
    p->player += soon != 0;
    feed(p);
}

static void on_room(void *user, uint32_t events)
{
    struct child *c = user;
    if (events & (EPOLLERR | EPOLLHUP))
        close_pipe(c); /* it has stopped reading, and ends */
    else
        feed(c->play);
}

static int spawn(const char *const *argv, int in, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    if (posix_spawn_file_actions_init(&actions))
        return -1;
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&actions);
        return -1;
    }
    sigemptyset(&none); /* the server's own mask is not for others */
    const int failed = posix_spawnattr_setsigmask(&attributes, &none) ||
                       posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK) ||
                       posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) ||
                       posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ||
                       posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ||
                       posix_spawnp(ret, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed ? -1 : 0;
}

static struct child *child_create(struct live_play *p, const char *const *argv)
{
    struct child *c = calloc(1, sizeof *c);
    int ends[2] = {-1, -1};
    if (!c || pipe2(ends, O_CLOEXEC)) {
        free(c);
        return NULL;
    }
    *c = (struct child){.next = p->children, .play = p, .handle = -1, .pipe = ends[1], .since = clock_seconds()};
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    const int spawned = fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0 && spawn(argv, ends[0], &c->pid) == 0;
    close(ends[0]);
    if (spawned && (c->handle = pidfd_open(c->pid, 0)) >= 0 &&
        loop_watch(p->server->loop, c->handle, EPOLLIN, on_end, c, &c->end, NULL) == 0 &&
        loop_watch(p->server->loop, c->pipe, 0, on_room, c, &c->room, NULL) == 0) {
        p->children = c;
        return c;
    }
    loop_unwatch(c->end);
    close(ends[1]);
    if (c->handle >= 0)
        close(c->handle);
    if (spawned) {
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
    }
    free(c);
    return NULL;
}

/* The next player that there is; 1 when one runs. */
static int start_child(struct live_play *p)
{
    const double now = clock_seconds();
    if (now < p->silent_until)
        return 0;
    for (; p->player < PLAYERS; p->player++)
        if (players[p->player].there() && (p->child = child_create(p, players[p->player].argv)))
            break;
    if (p->child) {
        log_event(p->server->log, LOG_INFO, "player started", log_str("player", players[p->player].argv[0]));
        return 1;
    }
    p->player = 0;
    p->silent_until = now + GIVE_UP;
    log_event(p->server->log, LOG_ERROR, "no sound",
              log_str("why", "no sound device, or no player for it: paplay, pw-cat and aplay were tried"));
    return 0;
}

/* -------- sound -------- */

/* Moves to where the clip is by now. */
static void seek(struct live_play *p)
{
    const double passed = clock_seconds() - p->since;
    p->at = WAV_HEADER + 2 * (size_t)(passed * ISHOW_RATE);
}

/* A write of at most PIPE_BUF is all or nothing. */
static int write_block(struct live_play *p)
{
    unsigned char block[PIPE_BUF];
    size_t n = p->clip->wav.len - p->at;
    n = (n < sizeof block ? n : sizeof block) & ~(size_t)1;
    memcpy(block, p->clip->wav.ptr + p->at, n);
    for (size_t i = 0; p->volume < 1 && i < n; i += 2) {
        const int v = (int)((int16_t)(block[i] | block[i + 1] << 8) * p->volume);
        block[i] = (unsigned char)v;
        block[i + 1] = (unsigned char)(v >> 8);
    }
    if (n == 0 || write(p->child->pipe, block, n) < 0)
        return -1;
    p->at += n;
    return 0;
}

static void feed(struct live_play *p)
{
    if (!p->clip || p->paused)
        return;
    if (!p->child) {
        seek(p);
        if (p->at + 1 >= p->clip->wav.len || !start_child(p))
            return;
    }
    if (p->child->pipe < 0)
        return;
    while (p->at + 1 < p->clip->wav.len)
        if (write_block(p))
            break;
    const int more = p->at + 1 < p->clip->wav.len;
    (void)loop_watch_change(p->child->room, more ? EPOLLOUT : 0, NULL); /* its end is told in any case */
}

static void drop_clip(struct live_play *p)
{
    live_clip_unref(p->clip);
    p->clip = NULL;
}

static void on_clip(void *user, struct live_clip *clip)
{
    struct live_play *p = user;
    drop_clip(p);
    clip->refs++;
    p->clip = clip;
    p->at = WAV_HEADER;
    p->since = clock_seconds();
    p->paused = 0;
    feed(p);
}

static void pause_clip(struct live_play *p)
{
    if (!p->paused)
        p->since = clock_seconds() - p->since;
    p->paused = 1;
    hush(p);
}

static void resume_clip(struct live_play *p)
{
    if (!p->paused)
        return;
    p->paused = 0;
    p->since = clock_seconds() - p->since;
    feed(p);
}

static void on_control(void *user, const char *json, size_t len)
{
    struct live_play *p = user;
    json_t *o = json_loadb(json, len, 0, NULL);
    const char *type = json_string_value(json_object_get(o, "type"));
    p->volume = json_number_value(json_object_get(o, "volume"));
    if (type && strcmp(type, "pause") == 0) {
        pause_clip(p);
    } else if (type && strcmp(type, "resume") == 0) {
        resume_clip(p);
    } else if (type && (strcmp(type, "skip") == 0 || strcmp(type, "panic") == 0 || strcmp(type, "replay") == 0)) {
        drop_clip(p);
        hush(p);
    }
    json_decref(o);
}

static void on_closing(void *user)
{
    struct live_play *p = user;
    live_leave(p->server->live, &p->listener);
    drop_clip(p);
    hush(p);
}

/* -------- life -------- */

int live_play_create(struct server *s, struct live_play **ret, struct error *err)
{
    struct live_play *p = calloc(1, sizeof *p);
    if (!p)
        return error_nomem(err);
    *p = (struct live_play){.server = s, .volume = 1};
    p->listener = (struct live_listener){.clip = on_clip, .control = on_control, .closing = on_closing, .user = p};
    if (live_listen(s->live, &p->listener)) {
        free(p);
        return error_set(err, E_LIMIT, "too many listen already");
    }
    size_t there = 0;
    for (size_t i = 0; i < PLAYERS; i++)
        there += players[i].there() != 0;
    if (!there)
        log_event(s->log, LOG_ERROR, "no sound",
                  log_str("why", "this machine has no sound device: --play plays nothing"));
    *ret = p;
    return 0;
}

void live_play_free(struct live_play *p)
{
    if (!p)
        return;
    on_closing(p);
    while (p->children) {
        (void)waitpid(p->children->pid, NULL, WNOHANG);
        child_free(p->children);
    }
    free(p);
}
