/* Forms as clients send them, and as they should not: each case is a body, and the parts or the complaint that it is
 * worth. In bodies "|" stands for CRLF. */
#include "test.h"

#include "net/http_multipart.h"

#include <stdio.h>

#define TYPE        "multipart/form-data; boundary=xy"
#define DISPOSITION "Content-Disposition: form-data; name=\"a\""

static char *with_lines(const char *text, size_t *len)
{
    char *out = malloc(2 * strlen(text) + 1);
    assert_non_null(out);
    *len = 0;
    for (; *text; text++) {
        if (*text == '|')
            out[(*len)++] = '\r';
        out[(*len)++] = *text == '|' ? '\n' : *text;
    }
    out[*len] = '\0';
    char *exact = malloc(*len + !*len); /* so that a sanitizer sees a read past the end */
    assert_non_null(exact);
    memcpy(exact, out, *len);
    free(out);
    return exact;
}

/* "name:filename:type:data;" for each part; "-" for a filename that was not given. */
static void describe(const struct multipart *m, char *to, size_t size)
{
    size_t n = 0;
    to[0] = '\0';
    for (size_t i = 0; i < m->count; i++) {
        const struct multipart_part *p = &m->parts[i];
        n += (size_t)snprintf(to + n, size - n, "%s:%s:%s:%.*s;", p->name, p->is_file ? p->filename : "-",
                              p->content_type, (int)p->data.len, p->data.ptr);
    }
}

static void good_forms_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *parts;
    } cases[] = {
        {TYPE, "--xy|" DISPOSITION "||hello|--xy--|", "a:-::hello;"},
        {TYPE, "--xy--", ""},
        {TYPE, "--xy|" DISPOSITION "|| hello |--xy--|", "a:-:: hello ;"},
        {TYPE, "--xy|" DISPOSITION "||hello|--xy--", "a:-::hello;"},
        {TYPE, "--xy|" DISPOSITION "||1|--xy|" DISPOSITION "||2|--xy--|", "a:-::1;a:-::2;"},
        {TYPE, "hello|--xy|" DISPOSITION "|||--xy--|and more|--xy|", "a:-::;"},
        {TYPE, "|--xy \t|" DISPOSITION "||--x|--xy--", "a:-::--x;"},
        {TYPE, "--xy|" DISPOSITION "||--xy--", "a:-::;"}, /* no data, and no line of their own */
        {TYPE, "--xy|" DISPOSITION "; filename=\"b.wav\"|Content-Type: audio/wav|X-Other: 1||RIFF\n\n|--x|--xy--",
         "a:b.wav:audio/wav:RIFF\n\n\r\n--x;"},
        {TYPE, "--xy|" DISPOSITION "; filename=\"\"|Content-Type: application/octet-stream|||--xy--",
         "a::application/octet-stream:;"},
        {TYPE, "--xy|content-disposition:form-data;name=a;filename=b.wav||1|--xy--", "a:b.wav::1;"},
        {TYPE, "--xy|Content-Disposition: FORM-DATA ; Name = a ; other=\"; name=z\" ;||1|--xy--", "a:-::1;"},
        {TYPE, "--xy|Content-Disposition: form-data;| name=\"a\";|\tfilename=\"b c.wav\"||1|--xy--", "a:b c.wav::1;"},
        {TYPE, "--xy|Content-Disposition: form-data; name=\"a\\\"b\"; filename=\"C:\\dir\\\\%22%41.wav\"||1|--xy--",
         "a\"b:C:\\dir\\\"%41.wav::1;"},
        {TYPE, "--xy|" DISPOSITION "; filename=\"好.wav\"||1|--xy--", "a:好.wav::1;"},
        {TYPE, "--xy|" DISPOSITION "; filename=\"x.wav\"; filename*=UTF-8''%E5%a5%BD.wav||1|--xy--", "a:好.wav::1;"},
        {TYPE, "--xy|" DISPOSITION "; filename*=utf-8'zh'%E5%A5%BD; filename=x.wav||1|--xy--", "a:好::1;"},
        {TYPE, "--xy|Content-Transfer-Encoding: binary|" DISPOSITION "||1|--xy--", "a:-::1;"},
        {"Multipart/Form-Data;charset=utf-8; boundary=\"x :y\"", "--x :y|" DISPOSITION "||1|--x :y--", "a:-::1;"},
        {"multipart/form-data; boundary=----WebKitFormBoundaryA1",
         "------WebKitFormBoundaryA1|" DISPOSITION "||1|------WebKitFormBoundaryA1--|", "a:-::1;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct multipart m = {.count = 99};
        struct error err = {0};
        char found[4096];
        size_t n;
        char *body = with_lines(cases[i].body, &n);
        if (multipart_parse((struct slice){body, n}, cases[i].type, &m, &err))
            fail_msg("case %zu: %s", i, err.text);
        describe(&m, found, sizeof found);
        if (strcmp(found, cases[i].parts) != 0)
            fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].parts, found);
        free(body);
    }
}

static void bad_forms_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
        int code;
        const char *says;
    } cases[] = {
        {NULL, "", E_UNSUPPORTED, "Content-Type: expected multipart/form-data, found \"\""},
        {"application/json", "{}", E_UNSUPPORTED, "found \"application/json\""},
        {"multipart/form-datax; boundary=xy", "--xy--", E_UNSUPPORTED, "multipart/form-datax"},
        {"multipart/form-data", "--xy--", E_FORMAT, "a boundary of 1 to 70 characters, found 0"},
        {"multipart/form-data; boundary=", "--xy--", E_FORMAT, "a boundary of 1 to 70 characters, found 0"},
        {"multipart/form-data; boundary=\"xy", "--xy--", E_FORMAT, "expected name=value at its character 34"},
        {"multipart/form-data; boundary", "--xy--", E_FORMAT, "expected name=value"},
        {"multipart/form-data; boundary=\"x \"", "--x --", E_FORMAT, "the boundary ends with a space"},
        {"multipart/form-data; boundary=\"x\\y\"", "--x\\y--", E_FORMAT, "character 2 of the boundary"},
        {"multipart/form-data; boundary=x; boundary=y", "--x--", E_FORMAT, "the boundary is given twice"},
        {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x", "",
         E_FORMAT, "found 71"},
        {TYPE, "", E_FORMAT, "byte 0: expected \"--xy\""},
        {TYPE, "--x", E_FORMAT, "byte 0: expected \"--xy\""},
        {TYPE, "text --xy--", E_FORMAT, "byte 0: expected \"--xy\""},
        {TYPE, "--xy", E_FORMAT, "byte 4: expected the end of the line"},
        {TYPE, "--xyz|" DISPOSITION "||1|--xy--", E_FORMAT, "byte 4: expected the end of the line"},
        {TYPE, "--xy\n" DISPOSITION "\n\n1\n--xy--", E_FORMAT, "byte 4: expected the end of the line"},
        {TYPE, "--xy|" DISPOSITION "||1|--xyz--", E_FORMAT, "byte 57: expected the end of the line"},
        {TYPE, "--xy|" DISPOSITION "||1|--x", E_FORMAT,
         "byte 56: the body ends before the boundary that ends part 1, \"a\""},
        {TYPE, "--xy|" DISPOSITION "|", E_FORMAT, "byte 48: the body ends in the headers of a part"},
        {TYPE, "--xy|||1|--xy--", E_FORMAT, "byte 6: a part without Content-Disposition"},
        {TYPE, "--xy|X: 1||1|--xy--", E_FORMAT, "byte 6: a part without Content-Disposition"},
        {TYPE, "--xy|" DISPOSITION "\n\n1|--xy--||", E_FORMAT, "byte 46: expected name=\"value\""},
        {TYPE, "--xy|" DISPOSITION "|" DISPOSITION "||1|--xy--", E_FORMAT, "byte 48: a second Content-Disposition"},
        {TYPE, "--xy|no header||1|--xy--", E_FORMAT, "byte 8: expected a header"},
        {TYPE, "--xy|: none||1|--xy--", E_FORMAT, "byte 6: expected a header"},
        {TYPE, "--xy|Content-Disposition: attachment; name=a||1|--xy--", E_FORMAT,
         "expected Content-Disposition: form-data"},
        {TYPE, "--xy|Content-Disposition: form-data||1|--xy--", E_FORMAT, "byte 6: a part without a name"},
        {TYPE, "--xy|Content-Disposition: form-data; name=\"\"||1|--xy--", E_FORMAT, "a part without a name"},
        {TYPE, "--xy|Content-Disposition: form-data; name=\"a||1|--xy--", E_FORMAT, "expected name=\"value\""},
        {TYPE, "--xy|Content-Disposition: form-data; name=\"a\"b||1|--xy--", E_FORMAT,
         "byte 46: expected name=\"value\""},
        {TYPE, "--xy|" DISPOSITION "; name=b||1|--xy--", E_FORMAT, "given twice"},
        {TYPE, "--xy|" DISPOSITION "; filename=b; filename=c||1|--xy--", E_FORMAT, "given twice"},
        {TYPE, "--xy|Content-Disposition: form-data; name=\"a\1\"||1|--xy--", E_FORMAT,
         "a control character in the field's name"},
        {TYPE, "--xy|" DISPOSITION "; filename=\"a| b\"||1|--xy--", E_FORMAT, "a control character in the file's name"},
        {TYPE, "--xy|" DISPOSITION "; filename=\"\xFF\"||1|--xy--", E_FORMAT, "the file's name is not UTF-8"},
        {TYPE, "--xy|" DISPOSITION "; filename*=utf-8''%E5||1|--xy--", E_FORMAT, "the file's name is not UTF-8"},
        {TYPE, "--xy|" DISPOSITION "; filename*=utf-8''a%0Ab||1|--xy--", E_FORMAT, "a control character"},
        {TYPE, "--xy|" DISPOSITION "; filename*=utf-8''%5||1|--xy--", E_FORMAT, "without two hexadecimal digits"},
        {TYPE, "--xy|" DISPOSITION "; filename*=latin1''a||1|--xy--", E_FORMAT,
         "expected filename* to begin with utf-8''"},
        {TYPE, "--xy|Content-Transfer-Encoding: base64|" DISPOSITION "||MQ==|--xy--", E_UNSUPPORTED,
         "byte 6: a part comes encoded"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct multipart m = {.count = 99};
        struct error err = {0};
        size_t n;
        char *body = with_lines(cases[i].body, &n);
        const int rc = multipart_parse((struct slice){body, n}, cases[i].type, &m, &err);
        if (rc != cases[i].code || !strstr(err.text, cases[i].says) || m.count != 99)
            fail_msg("case %zu: expected %d \"%s\", found %d \"%s\"", i, cases[i].code, cases[i].says, rc, err.text);
        free(body);
    }
}

static void numbers_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *before, *unit;
        int most;
        const char *after, *says;
    } cases[] = {
        {"", "--xy|" DISPOSITION "||1|", MULTIPART_PARTS_MAX, "--xy--", "more than 32 parts"},
        {"--xy|" DISPOSITION "|", "X: 345678|", (MULTIPART_HEAD_MAX - 43) / 11, "|1|--xy--",
         "byte 6: more than 4096 bytes of headers"},
        {"--xy|" DISPOSITION "; filename=\"", "x", MULTIPART_FILENAME_MAX, "\"||1|--xy--",
         "the file's name has 513 bytes, the limit is 512"},
        {"--xy|Content-Disposition: form-data; name=\"", "x", MULTIPART_NAME_MAX, "\"||1|--xy--",
         "the field's name has 129 bytes"},
        {"--xy|" DISPOSITION "|Content-Type: ", "x", MULTIPART_TYPE_MAX, "||1|--xy--",
         "the Content-Type of a part has 129 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int over = 0; over < 2; over++) {
            struct buf text = BUF_INIT;
            struct multipart m;
            struct error err = {0};
            size_t n;
            assert_int_equal(buf_add_str(&text, cases[i].before), 0);
            for (int k = 0; k < cases[i].most + over; k++)
                assert_int_equal(buf_add_str(&text, cases[i].unit), 0);
            assert_int_equal(buf_add_str(&text, cases[i].after), 0);
            char *body = with_lines(text.ptr, &n);
            const int rc = multipart_parse((struct slice){body, n}, TYPE, &m, &err);
            if (rc != (over ? E_LIMIT : 0) || (over && !strstr(err.text, cases[i].says)))
                fail_msg("case %zu, %d over: %d \"%s\"", i, over, rc, err.text);
            free(body);
            buf_release(&text);
        }
}

static void no_beginning_of_a_form_is_one(void **state)
{
    (void)state;
    size_t n;
    char *body = with_lines("--xy|" DISPOSITION
                            "; filename=\"好.wav\"; filename*=utf-8''b|Content-Type: audio/wav||RIFF|--xy|" DISPOSITION
                            "||1|--xy--",
                            &n);
    struct multipart m;
    struct error err;
    assert_int_equal(multipart_parse((struct slice){body, n}, TYPE, &m, &err), 0);
    assert_string_equal(multipart_find(&m, "a")->filename, "b");
    assert_null(multipart_find(&m, "b"));
    for (size_t i = 0; i < n; i++) {
        char *cut = malloc(i + !i);
        assert_non_null(cut);
        memcpy(cut, body, i);
        assert_int_equal(multipart_parse((struct slice){cut, i}, TYPE, &m, &err), E_FORMAT);
        free(cut);
    }
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_forms_are_taken_apart),
        cmocka_unit_test(bad_forms_are_explained),
        cmocka_unit_test(numbers_have_limits),
        cmocka_unit_test(no_beginning_of_a_form_is_one),
    };
    return cmocka_run_group_tests_name("http_multipart", tests, NULL, NULL);
}
