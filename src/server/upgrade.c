/* See upgrade.h. The new process is forked from this one; between fork and exec it calls nothing but what the child of
 * a program with threads may call, so all that it needs is made before. */
#include "server/upgrade.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define COMMAND_MAX (1 << 20) /* bytes of all arguments */
#define OUT_OF_WAY  128       /* descriptors from here on are none of those that will be handed over */
#define PID_DIGITS  20

/* Variables that are this handing over's own, or were a former one's. */
static const char *const own_variables[] = {
    "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", LISTENERS_NAMES "=", UPGRADE_READY_FD "=", "WATCHDOG_PID="};

/* -------- how this process was started -------- */

/* "PATH's folder/name", "working directory/name", or this very file. malloc'd; NULL when memory has run out. */
static char *find_program(const char *name)
{
    const char *path = strchr(name, '/') ? NULL : getenv("PATH");
    char *cwd = NULL, *found = NULL;
    if (name[0] == '/')
        return strdup(name);
    if (strchr(name, '/') && (cwd = getcwd(NULL, 0)))
        found = path_join(cwd, name);
    free(cwd);
    while (path && *path && !found) {
        const size_t n = strcspn(path, ":");
        char *folder = strndup(path, n);
        found = folder ? path_join(folder, name) : NULL;
        free(folder);
        if (found && access(found, X_OK)) {
            free(found);
            found = NULL;
        }
        path += n + (path[n] == ':');
    }
    return found ? found : realpath("/proc/self/exe", NULL);
}

/* The arguments from /proc: those that main was given have been sorted by getopt. */
static int read_command(struct upgrade *u, struct error *err)
{
    struct buf line = BUF_INIT;
    size_t n = 0;
    int rc = file_read("/proc/self/cmdline", COMMAND_MAX, &line, err);
    if (rc)
        return rc;
    u->block = line.ptr;
    for (size_t i = 0; i < line.len; i++)
        n += line.ptr[i] == '\0';
    u->argv = calloc(n + 1, sizeof *u->argv);
    if (!u->argv)
        return error_nomem(err);
    char *at = u->block;
    for (size_t i = 0; i < n; i++, at += strlen(at) + 1)
        u->argv[i] = at;
    u->program = n ? find_program(u->argv[0]) : NULL;
    return u->program ? 0 : error_set(err, E_IO, "cannot tell which file this program was started from");
}

/* Where this process is to say how it is; -1: nobody asks. */
static int ready_fd(void)
{
    const char *fd = getenv(UPGRADE_READY_FD);
    const long n = fd ? strtol(fd, NULL, 10) : -1;
    return n >= LISTENERS_FIRST_FD && n <= LISTENERS_FIRST_FD + LISTENERS_MAX ? (int)n : -1;
}

int upgrade_init(struct upgrade *u, struct loop *loop, struct log *log, const sigset_t *mask,
                 void (*on_serving)(void *user, pid_t successor), void *user, struct error *err)
{
    *u = (struct upgrade){.loop = loop, .log = log, .mask = *mask, .handle = -1, .pipe = -1, .held = -1, .former = -1,
                          .on_serving = on_serving, .user = user};
    const int ready = ready_fd();
    if (ready >= 0)
        (void)fcntl(ready, F_SETFD, FD_CLOEXEC);
    return read_command(u, err);
}

/* -------- waiting for the new one -------- */

void upgrade_let_go(struct upgrade *u)
{
    if (u->held >= 0)
        close(u->held);
    u->held = -1;
}

static void stop_waiting(struct upgrade *u)
{
    loop_unwatch(u->watch);
    loop_timer_stop(&u->patience);
    if (u->pipe >= 0)
        close(u->pipe);
    if (u->handle >= 0)
        close(u->handle);
    u->watch = NULL;
    u->pipe = u->handle = -1;
    u->child = 0;
    u->said_len = 0;
}

static void give_up(struct upgrade *u, const char *why)
{
    if (u->handle >= 0) {
        pidfd_send_signal(u->handle, SIGKILL, NULL, 0);
    } else {
        kill(u->child, SIGKILL); /* it has not been waited for, so the number is still its own */
        waitpid(u->child, NULL, 0);
    }
    log_event(u->log, LOG_ERROR, "upgrade failed", log_str("message", why), log_int("pid", u->child));
    stop_waiting(u);
}

static void on_patience(void *user)
{
    give_up(user, "the new program did not say in time that it serves");
}

static void on_said(void *user, uint32_t events)
{
    struct upgrade *u = user;
    (void)events;
    const ssize_t n = read(u->pipe, u->said + u->said_len, sizeof u->said - 1 - u->said_len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    const int more = n > 0 && u->said_len + (size_t)n < sizeof u->said - 1;
    if (more)
        u->said_len += (size_t)n;
    u->said[u->said_len] = '\0';
    if (strcmp(u->said, "serving\n") == 0) {
        const pid_t successor = u->child;
        upgrade_let_go(u);
        u->held = u->pipe;
        u->pipe = -1;
        stop_waiting(u);
        u->on_serving(u->user, successor);
        return;
    }
    if (more)
        return; /* the end of a failure is the end of the pipe */
    u->said[strcspn(u->said, "\n")] = '\0';
    give_up(u, u->said[0] ? u->said : "the new program ended before it served");
}

/* -------- starting it -------- */

struct start {
    struct buf fds, names, ready; /* NAME=value */
    struct buf pid, watchdog_pid; /* whose digits are the child's to write; the second is for systemd's watchdog */
    char **env;
    int sockets[LISTENERS_MAX + 1]; /* copies out of the way; the last is the pipe */
    size_t count;
};

static int is_own(const char *variable)
{
    for (size_t i = 0; i < sizeof own_variables / sizeof *own_variables; i++)
        if (strncmp(variable, own_variables[i], strlen(own_variables[i])) == 0)
            return 1;
    return 0;
}

static int make_environment(struct start *s, const struct listeners *l)
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    s->env = calloc(n + 6, sizeof *s->env);
    if (!s->env || buf_addf(&s->pid, "LISTEN_PID=%*s", PID_DIGITS, "") ||
        buf_addf(&s->watchdog_pid, "WATCHDOG_PID=%*s", PID_DIGITS, "") ||
        buf_addf(&s->fds, "LISTEN_FDS=%zu", l->count) ||
        buf_addf(&s->ready, UPGRADE_READY_FD "=%zu", LISTENERS_FIRST_FD + l->count) ||
        buf_add_str(&s->names, LISTENERS_NAMES "="))
        return E_NOMEM;
    for (size_t i = 0; i < l->count; i++)
        if (buf_addf(&s->names, "%s\n", l->name[i]))
            return E_NOMEM;
    for (size_t i = 0; i < n; i++)
        if (!is_own(environ[i]))
            s->env[kept++] = environ[i];
    s->env[kept++] = s->pid.ptr;
    if (getenv("WATCHDOG_PID"))
        s->env[kept++] = s->watchdog_pid.ptr;
    s->env[kept++] = s->fds.ptr;
    s->env[kept++] = s->ready.ptr;
    if (!l->activated) /* systemd's stay systemd's */
        s->env[kept++] = s->names.ptr;
    return 0;
}

static int copy_sockets(struct start *s, const struct listeners *l, int pipe)
{
    for (size_t i = 0; i <= l->count; i++) {
        const int fd = fcntl(i < l->count ? l->fd[i] : pipe, F_DUPFD_CLOEXEC, OUT_OF_WAY);
        if (fd < 0)
            return -1;
        s->sockets[s->count++] = fd;
    }
    return 0;
}

static void write_own_pid(char *to)
{
    char digits[PID_DIGITS];
    size_t n = 0;
    for (pid_t pid = getpid(); pid > 0; pid /= 10)
        digits[n++] = (char)('0' + pid % 10);
    while (n > 0)
        *to++ = digits[--n];
    *to = '\0';
}

/* In the child. */
static _Noreturn void become(const struct upgrade *u, struct start *s)
{
    write_own_pid(s->pid.ptr + strlen("LISTEN_PID="));
    write_own_pid(s->watchdog_pid.ptr + strlen("WATCHDOG_PID="));
    for (size_t i = 0; i < s->count; i++)
        dup2(s->sockets[i], LISTENERS_FIRST_FD + (int)i);
    sigprocmask(SIG_SETMASK, &u->mask, NULL);
    execve(u->program, u->argv, s->env);
    _exit(127);
}

/* Under a service manager the new process is the manager's child, as this one is: systemd stops no other main process
 * with patience. Else it is this one's. */
static pid_t split(struct upgrade *u)
{
    if (!getenv("NOTIFY_SOCKET"))
        return fork();
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD | SIGCHLD, NULL, &u->handle, NULL, NULL);
}

static void release_start(struct start *s)
{
    for (size_t i = 0; i < s->count; i++)
        close(s->sockets[i]);
    buf_release(&s->pid);
    buf_release(&s->watchdog_pid);
    buf_release(&s->fds);
    buf_release(&s->ready);
    buf_release(&s->names);
    free(s->env);
}

int upgrade_start(struct upgrade *u, const struct listeners *l, struct error *err)
{
    struct start s = {.count = 0};
    int ends[2] = {-1, -1}, rc = 0;
    if (u->child || u->former >= 0) { /* one at a time, or a third would begin before the first has let go */
        log_event(u->log, LOG_WARN, "upgrade under way", log_int("pid", u->child ? u->child : getpid()));
        return 0;
    }
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return error_errno(err, errno, "cannot make a pipe");
    if (make_environment(&s, l))
        rc = error_nomem(err);
    else if (copy_sockets(&s, l, ends[1]))
        rc = error_errno(err, errno, "cannot hand over sockets");
    else
        rc = loop_watch(u->loop, ends[0], EPOLLIN, on_said, u, &u->watch, err);
    if (!rc) {
        const pid_t child = split(u);
        if (child == 0)
            become(u, &s);
        if (child < 0)
            rc = error_errno(err, errno, "cannot start %s", u->program);
        else
            u->child = child;
    }
    release_start(&s);
    close(ends[1]);
    u->pipe = ends[0];
    if (rc) {
        stop_waiting(u);
        return rc;
    }
    loop_timer_start(u->loop, &u->patience, UPGRADE_PATIENCE, on_patience, u);
    log_event(u->log, LOG_INFO, "upgrade begins", log_str("program", u->program), log_int("pid", u->child));
    return 0;
}

static void stop_watching_former(struct upgrade *u)
{
    loop_unwatch(u->former_watch);
    if (u->former >= 0)
        close(u->former);
    u->former_watch = NULL;
    u->former = -1;
}

void upgrade_release(struct upgrade *u)
{
    if (!u->loop)
        return;
    if (u->child)
        give_up(u, "this program ends");
    upgrade_let_go(u);
    stop_watching_former(u);
    free(u->program);
    free(u->block);
    free(u->argv);
    *u = (struct upgrade){.handle = -1, .pipe = -1, .held = -1, .former = -1};
}

/* -------- in the new one -------- */

int upgrade_is_awaited(void)
{
    return ready_fd() >= 0;
}

/* The descriptor, which is the caller's now; -1: nobody asked. */
static int report(const char *text)
{
    const int fd = ready_fd();
    if (fd < 0)
        return -1;
    (void)!write(fd, text, strlen(text));
    (void)!write(fd, "\n", 1);
    unsetenv(UPGRADE_READY_FD);
    return fd;
}

void upgrade_report_failure(const char *failure)
{
    const int fd = report(failure);
    if (fd >= 0)
        close(fd);
}

/* Nobody reads the pipe any more. */
static void on_former(void *user, uint32_t events)
{
    struct upgrade *u = user;
    (void)events;
    stop_watching_former(u);
    u->on_alone(u->alone_user);
}

int upgrade_report_serving(struct upgrade *u, void (*on_alone)(void *user), void *user, struct error *err)
{
    u->former = report("serving");
    u->on_alone = on_alone;
    u->alone_user = user;
    if (u->former >= 0) /* an end without a reader is always told */
        return loop_watch(u->loop, u->former, 0, on_former, u, &u->former_watch, err);
    on_alone(user);
    return 0;
}
