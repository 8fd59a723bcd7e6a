/* See kerncheck.h. `kerncheck` runs the cases and speaks TAP; `kerncheck --bench [THREADS [KERNELS]]` times. */
#include "kerncheck.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCKS_MAX 64
#define GUARD 0xA5

static struct block {
    unsigned char *map;
    size_t map_size, edge; /* `edge`: offset of the page that is not accessible */
    unsigned char *ptr;
    size_t size;
} blocks[BLOCKS_MAX];
static int block_count;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

float *guard_alloc(size_t n, int align)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = n * sizeof(float);
    if (block_count == BLOCKS_MAX) {
        fprintf(stderr, "more than %d blocks in one case\n", BLOCKS_MAX);
        exit(2);
    }
    struct block *b = &blocks[block_count++];
    b->edge = (size + 64 + 64 + page - 1) / page * page;
    b->map_size = b->edge + page;
    b->map = mmap(NULL, b->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->map == MAP_FAILED)
        die("mmap");
    memset(b->map, GUARD, b->edge);
    if (mprotect(b->map + b->edge, page, PROT_NONE))
        die("mprotect");
    size_t back = align ? (size + 63) / 64 * 64 : size;
    b->ptr = b->map + b->edge - back;
    b->size = size;
    return (float *)(void *)b->ptr;
}

void guard_check(struct check *t, const char *what)
{
    for (int i = 0; i < block_count; i++) {
        const struct block *b = &blocks[i];
        for (const unsigned char *p = b->map; p < b->map + b->edge; p++)
            if ((p < b->ptr || p >= b->ptr + b->size) && *p != GUARD) {
                check_fail(t, "%s: block %d was written %td bytes from its start", what, i, p - b->ptr);
                return;
            }
    }
}

void guard_free_all(void)
{
    while (block_count) {
        struct block *b = &blocks[--block_count];
        munmap(b->map, b->map_size);
    }
}

static uint64_t seed;

float random_float(float size)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return ((float)(seed >> 40) / 8388608.0f - 1.0f) * size;
}

void random_fill(float *p, size_t n, float size)
{
    for (size_t i = 0; i < n; i++)
        p[i] = random_float(size);
}

void check_fail(struct check *t, const char *fmt, ...)
{
    if (t->failed++)
        return;
    va_list ap;
    va_start(ap, fmt);
    fputs("# ", stdout);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

void check_close(struct check *t, const char *what, size_t at, float got, float want, double limit)
{
    if ((isnan(got) && isnan(want)) || got == want)
        return;
    if (!(fabs((double)got - (double)want) <= limit))
        check_fail(t, "%s[%zu]: got %.9g, want %.9g, allowed error %.3g", what, at, (double)got, (double)want,
                   limit);
}

static int run_cases(const struct check_case *cases, const struct kern *c, const struct kern *v, int *number)
{
    int failed = 0;
    for (; cases->name; cases++) {
        struct check t = {c, v, 0};
        printf("# %s %s\n", v->name, cases->name);
        fflush(stdout); /* so that it is known which case has died */
        seed = 1;
        cases->run(&t);
        guard_check(&t, cases->name);
        guard_free_all();
        printf("%sok %d - %s %s\n", t.failed ? "not " : "", ++*number, v->name, cases->name);
        failed |= t.failed != 0;
    }
    return failed;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--bench") == 0)
        return bench_run(argc > 2 ? atoi(argv[2]) : 0, argc > 3 ? argv[3] : NULL);
    if (argc > 1) {
        fprintf(stderr, "usage: kerncheck [--bench [THREADS [KERNELS]]]\n");
        return 2;
    }
    struct kern c;
    int number = 0, failed = 0;
    kern_fill(&c, KERN_C);
    for (int isa = 0; isa < KERN_ISA_COUNT; isa++) {
        if (!kern_available((enum kern_isa)isa))
            continue;
        /* The C kernels run too: against themselves in the cases that compare, and against libm in
         * double in those that state a bound. */
        struct kern v;
        kern_fill(&v, (enum kern_isa)isa);
        failed |= run_cases(check_product_cases, &c, &v, &number);
        failed |= run_cases(check_row_cases, &c, &v, &number);
    }
    printf("1..%d\n", number);
    return failed;
}
