/* See unpickle.h. One value stack, one stack of marks into it, one memo; nothing may be popped from
 * below the innermost mark. Integers, texts and references travel by value, containers and tensors
 * as pointers into the arena, so that the memo shares them as Python does. */
#include "ckpt/unpickle.h"

#include "ckpt/pickle_build.h"
#include "ckpt/tensor_set.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct machine {
    const char *data;
    size_t len, at; /* at: the byte after the opcode and what was read of its argument */
    size_t op_at;
    struct arena *arena;
    struct pickle_value *stack;
    size_t depth, stack_cap;
    size_t marks[PICKLE_MAX_MARKS];
    size_t mark_count;
    struct pickle_value *memo;
    size_t memo_cap;
    size_t memo_next; /* what MEMOIZE takes */
    struct error *err;
};

__attribute__((format(printf, 2, 3))) static int damaged(struct machine *m, const char *fmt, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(m->err, E_FORMAT, "data.pkl is damaged at byte %zu: %s", m->op_at, text);
}

/* -------- the stack -------- */

static size_t floor_of(const struct machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

static int push(struct machine *m, struct pickle_value v)
{
    if (m->depth == PICKLE_MAX_STACK)
        return error_set(m->err, E_LIMIT, "data.pkl stacks more than %d values", PICKLE_MAX_STACK);
    if (ARRAY_GROW(m->stack, m->depth, m->stack_cap))
        return error_nomem(m->err);
    m->stack[m->depth++] = v;
    return 0;
}

static int push_kind(struct machine *m, enum pickle_kind kind)
{
    return push(m, (struct pickle_value){.kind = kind});
}

static int push_number(struct machine *m, int64_t number)
{
    return push(m, (struct pickle_value){.kind = PICKLE_INT, .number = number});
}

static int pop(struct machine *m, struct pickle_value *ret)
{
    if (m->depth == floor_of(m))
        return damaged(m, "nothing is left to take from the stack");
    *ret = m->stack[--m->depth];
    return 0;
}

static int pop_kind(struct machine *m, enum pickle_kind kind, struct pickle_value *ret)
{
    int rc = pop(m, ret);
    if (!rc && ret->kind != kind)
        rc = damaged(m, "the value on the stack is of the wrong kind");
    return rc;
}

/* Ends the innermost mark: *ret_from is the place of the first value above it. */
static int pop_mark(struct machine *m, size_t *ret_from)
{
    if (m->mark_count == 0)
        return damaged(m, "a container ends that never began");
    *ret_from = m->marks[--m->mark_count];
    return 0;
}

/* -------- arguments -------- */

static int take(struct machine *m, uint64_t n, const char **ret)
{
    if (n > m->len - m->at)
        return damaged(m, "it ends in the middle of a value");
    *ret = m->data + m->at;
    m->at += n;
    return 0;
}

/* A little-endian unsigned number of `size` bytes. */
static int take_number(struct machine *m, int size, uint64_t *ret)
{
    const char *p = NULL;
    int rc = take(m, (uint64_t)size, &p);
    if (rc)
        return rc;
    *ret = 0;
    for (int i = size; i-- > 0;)
        *ret = *ret << 8 | (unsigned char)p[i];
    return 0;
}

/* `size` bytes of length, then that many bytes. */
static int take_counted(struct machine *m, int size, struct slice *ret)
{
    uint64_t n = 0;
    const char *p = NULL;
    int rc = take_number(m, size, &n);
    if (!rc)
        rc = take(m, n, &p);
    if (!rc)
        *ret = (struct slice){p, n};
    return rc;
}

static int take_line(struct machine *m, struct slice *ret)
{
    const char *p = m->data + m->at, *nl = memchr(p, '\n', m->len - m->at);
    if (!nl)
        return damaged(m, "it ends in the middle of a name");
    *ret = (struct slice){p, (size_t)(nl - p)};
    m->at += ret->len + 1;
    return 0;
}

/* -------- opcodes -------- */

static int push_text(struct machine *m, int size, enum pickle_kind kind)
{
    struct pickle_value v = {.kind = kind};
    int rc = take_counted(m, size, &v.text);
    return rc ? rc : push(m, v);
}

static int push_unsigned(struct machine *m, int size)
{
    uint64_t n = 0;
    int rc = take_number(m, size, &n);
    return rc ? rc : push_number(m, size == 4 ? (int32_t)(uint32_t)n : (int64_t)n);
}

/* LONG1 and LONG4: two's complement of any length; what does not fit int64 is of no interest. */
static int push_long(struct machine *m, int size)
{
    struct slice s = {0};
    int rc = take_counted(m, size, &s);
    if (rc)
        return rc;
    if (s.len > 8)
        return push_kind(m, PICKLE_OTHER);
    uint64_t n = s.len && (s.ptr[s.len - 1] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = s.len; i-- > 0;)
        n = n << 8 | (unsigned char)s.ptr[i];
    return push_number(m, (int64_t)n);
}

static int push_float(struct machine *m)
{
    const char *p;
    int rc = take(m, 8, &p);
    return rc ? rc : push_kind(m, PICKLE_OTHER);
}

static int push_global(struct machine *m, struct slice module, struct slice name)
{
    struct pickle_value v = {.kind = PICKLE_GLOBAL};
    if (module.len > PICKLE_MAX_GLOBAL || name.len > PICKLE_MAX_GLOBAL)
        return error_set(m->err, E_LIMIT, "data.pkl asks for a name of more than %d bytes",
                         PICKLE_MAX_GLOBAL);
    int rc = pickle_global_find(module, name, &v.global, m->err);
    return rc ? rc : push(m, v);
}

static int do_global(struct machine *m)
{
    struct slice module = {0}, name = {0};
    int rc = take_line(m, &module);
    if (!rc)
        rc = take_line(m, &name);
    return rc ? rc : push_global(m, module, name);
}

static int do_stack_global(struct machine *m)
{
    struct pickle_value module = {0}, name = {0};
    int rc = pop_kind(m, PICKLE_TEXT, &name);
    if (!rc)
        rc = pop_kind(m, PICKLE_TEXT, &module);
    return rc ? rc : push_global(m, module.text, name.text);
}

/* A container of the values from `from` up, which leave the stack. */
static int push_list(struct machine *m, enum pickle_kind kind, size_t from)
{
    struct pickle_list *l = arena_alloc(m->arena, sizeof *l);
    size_t n = m->depth - from;
    if (!l)
        return error_nomem(m->err);
    if (kind == PICKLE_DICT && n % 2)
        return damaged(m, "a dict has a key without a value");
    if (n) {
        l->items = arena_alloc(m->arena, n * sizeof *l->items);
        if (!l->items)
            return error_nomem(m->err);
        memcpy(l->items, m->stack + from, n * sizeof *l->items);
    }
    l->count = l->cap = n;
    m->depth = from;
    return push(m, (struct pickle_value){.kind = kind, .list = l});
}

static int push_marked(struct machine *m, enum pickle_kind kind)
{
    size_t from = 0;
    int rc = pop_mark(m, &from);
    return rc ? rc : push_list(m, kind, from);
}

static int push_tuple(struct machine *m, size_t n)
{
    if (m->depth - floor_of(m) < n)
        return damaged(m, "nothing is left to take from the stack");
    return push_list(m, PICKLE_TUPLE, m->depth - n);
}

/* Moves the values from `from` up into the container below them. */
static int extend(struct machine *m, enum pickle_kind kind, size_t from)
{
    size_t n = m->depth - from;
    if (from == floor_of(m) || m->stack[from - 1].kind != kind || (kind == PICKLE_DICT && n % 2))
        return damaged(m, "values are added to something that does not take them");
    struct pickle_list *l = m->stack[from - 1].list;
    for (size_t i = from; i < m->depth; i++)
        if (pickle_list_push(l, m->stack[i], m->arena))
            return error_nomem(m->err);
    m->depth = from;
    return 0;
}

static int extend_by(struct machine *m, enum pickle_kind kind, size_t n)
{
    if (m->depth - floor_of(m) < n)
        return damaged(m, "nothing is left to take from the stack");
    return extend(m, kind, m->depth - n);
}

static int extend_marked(struct machine *m, enum pickle_kind kind)
{
    size_t from = 0;
    int rc = pop_mark(m, &from);
    return rc ? rc : extend(m, kind, from);
}

static int do_reduce(struct machine *m)
{
    struct pickle_value callee = {0}, args = {0}, v = {0};
    int rc = pop_kind(m, PICKLE_TUPLE, &args);
    if (!rc)
        rc = pop_kind(m, PICKLE_GLOBAL, &callee);
    if (!rc)
        rc = pickle_reduce(callee.global, args.list, m->arena, &v, m->err);
    return rc ? rc : push(m, v);
}

/* The state of an OrderedDict holds its attributes (a module's _metadata): no tensors. */
static int do_build(struct machine *m)
{
    struct pickle_value state;
    int rc = pop(m, &state);
    if (!rc && (m->depth == floor_of(m) || m->stack[m->depth - 1].kind != PICKLE_DICT))
        rc = damaged(m, "attributes are set on something other than a dict");
    return rc;
}

static int do_storage(struct machine *m)
{
    struct pickle_value id = {0}, v = {0};
    int rc = pop(m, &id);
    if (!rc)
        rc = pickle_storage_make(id, m->arena, &v, m->err);
    return rc ? rc : push(m, v);
}

static int memo_put(struct machine *m, uint64_t i)
{
    if (i >= PICKLE_MAX_MEMO)
        return error_set(m->err, E_LIMIT, "data.pkl remembers more than %u values", PICKLE_MAX_MEMO);
    if (m->depth == floor_of(m))
        return damaged(m, "nothing is there to be remembered");
    if (i >= m->memo_cap) {
        size_t cap = m->memo_cap ? m->memo_cap : 256;
        while (cap <= i)
            cap *= 2;
        struct pickle_value *p = realloc(m->memo, cap * sizeof *p);
        if (!p)
            return error_nomem(m->err);
        memset(p + m->memo_cap, 0, (cap - m->memo_cap) * sizeof *p);
        m->memo = p;
        m->memo_cap = cap;
    }
    m->memo[i] = m->stack[m->depth - 1];
    return 0;
}

static int do_put(struct machine *m, int size)
{
    uint64_t i = 0;
    int rc = take_number(m, size, &i);
    return rc ? rc : memo_put(m, i);
}

static int do_get(struct machine *m, int size)
{
    uint64_t i = 0;
    int rc = take_number(m, size, &i);
    if (rc)
        return rc;
    if (i >= m->memo_cap || m->memo[i].kind == PICKLE_NOTHING)
        return damaged(m, "a value is recalled that was never remembered");
    return push(m, m->memo[i]);
}

static int do_mark(struct machine *m)
{
    if (m->mark_count == PICKLE_MAX_MARKS)
        return error_set(m->err, E_LIMIT, "data.pkl nests more than %d containers", PICKLE_MAX_MARKS);
    m->marks[m->mark_count++] = m->depth;
    return 0;
}

static int do_pop(struct machine *m)
{
    struct pickle_value v;
    if (m->mark_count && m->depth == floor_of(m)) { /* as Python does: a mark counts as a value here */
        m->mark_count--;
        return 0;
    }
    return pop(m, &v);
}

static int do_protocol(struct machine *m)
{
    uint64_t n = 0;
    int rc = take_number(m, 1, &n);
    if (!rc && (n < 2 || n > 5))
        rc = error_set(m->err, E_UNSUPPORTED, "data.pkl is of pickle protocol %d, expected 2 to 5", (int)n);
    return rc;
}

static int run_one(struct machine *m, unsigned char op)
{
    const char *skipped;
    size_t from = 0;
    switch (op) {
    case 0x80: /* PROTO */
        return do_protocol(m);
    case 0x95: /* FRAME: a hint about reading ahead */
        return take(m, 8, &skipped);
    case '(':
        return do_mark(m);
    case '0': /* POP */
        return do_pop(m);
    case '1': /* POP_MARK */
        if (pop_mark(m, &from))
            return E_FORMAT;
        m->depth = from;
        return 0;
    case '2': /* DUP */
        if (m->depth == floor_of(m))
            return damaged(m, "nothing is there to be doubled");
        return push(m, m->stack[m->depth - 1]);
    case 'N':  /* NONE */
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return push_kind(m, PICKLE_OTHER);
    case 'K': /* BININT1 */
        return push_unsigned(m, 1);
    case 'M': /* BININT2 */
        return push_unsigned(m, 2);
    case 'J': /* BININT */
        return push_unsigned(m, 4);
    case 0x8a: /* LONG1 */
        return push_long(m, 1);
    case 0x8b: /* LONG4 */
        return push_long(m, 4);
    case 'G': /* BINFLOAT */
        return push_float(m);
    case 0x8c: /* SHORT_BINUNICODE */
        return push_text(m, 1, PICKLE_TEXT);
    case 'X': /* BINUNICODE */
        return push_text(m, 4, PICKLE_TEXT);
    case 0x8d: /* BINUNICODE8 */
        return push_text(m, 8, PICKLE_TEXT);
    case 'U': /* SHORT_BINSTRING: Python 2's str */
        return push_text(m, 1, PICKLE_TEXT);
    case 'T': /* BINSTRING */
        return push_text(m, 4, PICKLE_TEXT);
    case 'C': /* SHORT_BINBYTES */
        return push_text(m, 1, PICKLE_OTHER);
    case 'B': /* BINBYTES */
        return push_text(m, 4, PICKLE_OTHER);
    case 0x8e: /* BINBYTES8 */
    case 0x96: /* BYTEARRAY8 */
        return push_text(m, 8, PICKLE_OTHER);
    case ')': /* EMPTY_TUPLE */
        return push_list(m, PICKLE_TUPLE, m->depth);
    case 0x85: /* TUPLE1 */
    case 0x86: /* TUPLE2 */
    case 0x87: /* TUPLE3 */
        return push_tuple(m, op - 0x84u);
    case 't': /* TUPLE */
        return push_marked(m, PICKLE_TUPLE);
    case ']':  /* EMPTY_LIST */
    case 0x8f: /* EMPTY_SET */
        return push_list(m, PICKLE_LIST, m->depth);
    case 'l':  /* LIST */
    case 0x91: /* FROZENSET */
        return push_marked(m, PICKLE_LIST);
    case 'a': /* APPEND */
        return extend_by(m, PICKLE_LIST, 1);
    case 'e':  /* APPENDS */
    case 0x90: /* ADDITEMS */
        return extend_marked(m, PICKLE_LIST);
    case '}': /* EMPTY_DICT */
        return push_list(m, PICKLE_DICT, m->depth);
    case 'd': /* DICT */
        return push_marked(m, PICKLE_DICT);
    case 's': /* SETITEM */
        return extend_by(m, PICKLE_DICT, 2);
    case 'u': /* SETITEMS */
        return extend_marked(m, PICKLE_DICT);
    case 'c': /* GLOBAL */
        return do_global(m);
    case 0x93: /* STACK_GLOBAL */
        return do_stack_global(m);
    case 'R': /* REDUCE */
        return do_reduce(m);
    case 'b': /* BUILD */
        return do_build(m);
    case 'Q': /* BINPERSID */
        return do_storage(m);
    case 'q': /* BINPUT */
        return do_put(m, 1);
    case 'r': /* LONG_BINPUT */
        return do_put(m, 4);
    case 0x94: /* MEMOIZE */
        return memo_put(m, m->memo_next++);
    case 'h': /* BINGET */
        return do_get(m, 1);
    case 'j': /* LONG_BINGET */
        return do_get(m, 4);
    default:
        return error_set(m->err, E_FORMAT,
                         "data.pkl uses opcode 0x%02x at byte %zu, which torch.save never writes", op,
                         m->op_at);
    }
}

static int run(struct machine *m, struct pickle_value *ret)
{
    for (size_t ops = 0;; ops++) {
        if (ops == PICKLE_MAX_OPS)
            return error_set(m->err, E_LIMIT, "data.pkl takes more than %u steps", PICKLE_MAX_OPS);
        m->op_at = m->at;
        if (m->at == m->len)
            return damaged(m, "it ends before its STOP");
        unsigned char op = (unsigned char)m->data[m->at++];
        if (op == '.') { /* STOP */
            if (m->depth != 1 || m->mark_count)
                return damaged(m, "it stops with %zu values, expected 1", m->depth);
            if (m->at != m->len)
                return damaged(m, "it goes on after its STOP");
            *ret = m->stack[0];
            return 0;
        }
        int rc = run_one(m, op);
        if (rc)
            return rc;
    }
}

int unpickle(const char *data, size_t len, struct arena *arena, struct pickle_value *ret, struct error *err)
{
    struct machine *m = calloc(1, sizeof *m);
    if (!m)
        return error_nomem(err);
    m->data = data;
    m->len = len;
    m->arena = arena;
    m->err = err;
    int rc = run(m, ret);
    free(m->stack);
    free(m->memo);
    free(m);
    return rc;
}
