/* See loop.h. Timers are a list in the order of their times: there are few, and most are set far ahead, so
 * that a new one is looked for from the end. */
#include "net/loop.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_PER_ROUND 256

struct loop_watch {
    struct loop *loop;
    int fd;
    void (*fn)(void *user, uint32_t events); /* NULL: taken back in this round */
    void *user;
    struct loop_watch *dead_next;
};

struct post {
    struct post *next;
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    int epoll, wake;
    atomic_int stopped;
    double now;
    struct loop_timer timers; /* a ring; .next is due first */
    struct loop_watch *dead;  /* freed when the round's events are through */
    int (*prepare)(void *user);
    void *prepare_user;
    pthread_mutex_t lock; /* of the posts */
    struct post *posts, **posts_end;
};

int loop_create(struct loop **ret, struct error *err)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return error_nomem(err);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->posts_end = &l->posts;
    l->timers.prev = l->timers.next = &l->timers;
    l->now = clock_seconds();
    atomic_init(&l->stopped, 0);
    pthread_mutex_init(&l->lock, NULL);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    if (l->epoll < 0 || l->wake < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev)) {
        const int rc = error_errno(err, errno, "cannot make an event loop");
        loop_free(l);
        return rc;
    }
    *ret = l;
    return 0;
}

static void free_dead(struct loop *l)
{
    while (l->dead) {
        struct loop_watch *w = l->dead;
        l->dead = w->dead_next;
        free(w);
    }
}

static void run_posts(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct post *p = l->posts;
    l->posts = NULL;
    l->posts_end = &l->posts;
    pthread_mutex_unlock(&l->lock);
    while (p) {
        struct post *next = p->next;
        p->fn(p->arg);
        free(p);
        p = next;
    }
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    while (l->posts)
        run_posts(l);
    free_dead(l);
    if (l->epoll >= 0)
        close(l->epoll);
    if (l->wake >= 0)
        close(l->wake);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void wake(struct loop *l)
{
    const uint64_t one = 1;
    const int saved = errno; /* a signal handler may be calling */
    while (write(l->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stopped, 1);
    wake(l);
}

int loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct post *p = malloc(sizeof *p);
    if (!p)
        return E_NOMEM;
    *p = (struct post){.fn = fn, .arg = arg};
    pthread_mutex_lock(&l->lock);
    const int first = !l->posts;
    *l->posts_end = p;
    l->posts_end = &p->next;
    pthread_mutex_unlock(&l->lock);
    if (first)
        wake(l);
    return 0;
}

int loop_watch(struct loop *l, int fd, uint32_t events, void (*fn)(void *user, uint32_t events), void *user,
               struct loop_watch **ret, struct error *err)
{
    struct loop_watch *w = malloc(sizeof *w);
    if (!w)
        return error_nomem(err);
    *w = (struct loop_watch){.loop = l, .fd = fd, .fn = fn, .user = user};
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev)) {
        free(w);
        return error_errno(err, errno, "cannot watch a file descriptor");
    }
    *ret = w;
    return 0;
}

int loop_watch_change(struct loop_watch *w, uint32_t events, struct error *err)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (epoll_ctl(w->loop->epoll, EPOLL_CTL_MOD, w->fd, &ev))
        return error_errno(err, errno, "cannot change what a file descriptor is watched for");
    return 0;
}

void loop_unwatch(struct loop_watch *w)
{
    if (!w)
        return;
    epoll_ctl(w->loop->epoll, EPOLL_CTL_DEL, w->fd, NULL); /* fails only when the descriptor is gone already */
    w->fn = NULL;
    w->dead_next = w->loop->dead;
    w->loop->dead = w;
}

void loop_timer_stop(struct loop_timer *t)
{
    if (!t->loop)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->loop = NULL;
}

void loop_timer_start(struct loop *l, struct loop_timer *t, double seconds, void (*fn)(void *user), void *user)
{
    loop_timer_stop(t);
    *t = (struct loop_timer){.at = clock_seconds() + seconds, .fn = fn, .user = user, .loop = l};
    struct loop_timer *before = l->timers.prev;
    while (before != &l->timers && before->at > t->at)
        before = before->prev;
    t->prev = before;
    t->next = before->next;
    before->next->prev = t;
    before->next = t;
}

void loop_set_prepare(struct loop *l, int (*fn)(void *user), void *user)
{
    l->prepare = fn;
    l->prepare_user = user;
}

double loop_now(const struct loop *l)
{
    return l->now;
}

static int wait_ms(const struct loop *l)
{
    int ms = l->prepare ? l->prepare(l->prepare_user) : -1;
    if (l->timers.next != &l->timers) {
        /* rounded up: a timer that is looked at too early would be waited for in a busy loop */
        const double due = ceil((l->timers.next->at - clock_seconds()) * 1e3);
        const int timer_ms = due <= 0 ? 0 : due > 3.6e6 ? 3600000 : (int)due;
        if (ms < 0 || timer_ms < ms)
            ms = timer_ms;
    }
    return ms;
}

static void run_timers(struct loop *l)
{
    while (l->timers.next != &l->timers && l->timers.next->at <= l->now) {
        struct loop_timer *t = l->timers.next;
        loop_timer_stop(t);
        t->fn(t->user);
    }
}

int loop_run(struct loop *l, struct error *err)
{
    struct epoll_event events[EVENTS_PER_ROUND];
    while (!atomic_exchange(&l->stopped, 0)) {
        const int n = epoll_wait(l->epoll, events, EVENTS_PER_ROUND, wait_ms(l));
        if (n < 0 && errno != EINTR)
            return error_errno(err, errno, "waiting for events failed");
        l->now = clock_seconds();
        for (int i = 0; i < n; i++) {
            struct loop_watch *w = events[i].data.ptr;
            if (!w) {
                uint64_t count;
                while (read(l->wake, &count, sizeof count) < 0 && errno == EINTR)
                    ;
            } else if (w->fn) {
                w->fn(w->user, events[i].events);
            }
        }
        run_posts(l);
        run_timers(l);
        free_dead(l);
    }
    return 0;
}
