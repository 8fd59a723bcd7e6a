/* openapi.json against the program: every route is in it and nothing else, the fields of a request have the types and
 * limits that the server holds them to, and references lead somewhere. */
#include "server/routes.h"
#include "server/say_request.h"
#include "server/web_files.h"
#include "test.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

static json_t *doc;

static int load(void **state)
{
    (void)state;
    const struct web_file *f = web_file_find("openapi.json");
    json_error_t e;
    doc = f ? json_loadb(f->begin, (size_t)(f->end - f->begin), JSON_REJECT_DUPLICATES, &e) : NULL;
    return doc ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(doc);
    return 0;
}

static json_t *at(json_t *from, const char *key)
{
    json_t *v = json_object_get(from, key);
    if (!v)
        fail_msg("openapi.json: there is no \"%s\" where one is expected", key);
    return v;
}

/* "#/components/schemas/Voice" */
static json_t *resolve(const char *ref)
{
    char path[256];
    json_t *v = doc;
    assert_true(strncmp(ref, "#/", 2) == 0 && strlen(ref) < sizeof path);
    snprintf(path, sizeof path, "%s", ref + 2);
    for (char *rest = path, *part; v && (part = strsep(&rest, "/"));)
        v = json_object_get(v, part);
    return v;
}

/* -------- routes -------- */

static void each_route_is_described(void **state)
{
    static const char *const scopes[] = {NULL, "read", "speak", "manage"};
    (void)state;
    size_t count = 0, described = 0;
    for (const struct route *const *t = route_tables; *t; t++)
        for (const struct route *r = *t; r->method; r++, count++) {
            char method[16] = "";
            for (size_t i = 0; r->method[i] && i < sizeof method - 1; i++)
                method[i] = (char)tolower((unsigned char)r->method[i]);
            json_t *operation = at(at(at(doc, "paths"), r->pattern), method);
            assert_string_equal(json_string_value(at(operation, "operationId")), r->name);
            const char *scope = json_string_value(json_object_get(operation, "x-scope"));
            if (scopes[r->scope])
                assert_string_equal(scope ? scope : "(none)", scopes[r->scope]);
            else
                assert_null(scope);
        }
    const char *path;
    json_t *operations;
    json_object_foreach (at(doc, "paths"), path, operations)
        described += json_object_size(operations);
    assert_int_equal(described, count);
}

static void parameters_are_those_of_the_path(void **state)
{
    const char *path, *method;
    json_t *operations, *operation;
    (void)state;
    json_object_foreach (at(doc, "paths"), path, operations)
        json_object_foreach (operations, method, operation) {
            size_t in_path = 0, given = 0, i;
            json_t *p;
            for (const char *c = path; *c; c++)
                in_path += *c == '{';
            json_array_foreach (json_object_get(operation, "parameters"), i, p) {
                char name[64];
                snprintf(name, sizeof name, "{%s}", json_string_value(at(p, "name")));
                if (strcmp(json_string_value(at(p, "in")), "path") == 0) {
                    assert_non_null(strstr(path, name));
                    given++;
                }
            }
            assert_int_equal(given, in_path);
        }
}

static void check_refs(json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;
    json_object_foreach (v, key, item) {
        if (strcmp(key, "$ref") == 0 && !resolve(json_string_value(item)))
            fail_msg("%s leads nowhere", json_string_value(item));
        check_refs(item);
    }
    json_array_foreach (v, i, item)
        check_refs(item);
}

static void references_lead_somewhere(void **state)
{
    (void)state;
    check_refs(doc);
}

static void version_is_the_programs(void **state)
{
    (void)state;
    assert_string_equal(json_string_value(at(at(doc, "info"), "version")), ishow_version());
}

/* -------- fields -------- */

/* The alternative of a schema that has this type, or the schema itself. */
static json_t *of_type(json_t *schema, const char *type)
{
    size_t i;
    json_t *s;
    json_array_foreach(json_object_get(schema, "anyOf"), i,
                       s) if (json_is_string(json_object_get(s, "type")) &&
                              strcmp(json_string_value(json_object_get(s, "type")), type) == 0) return s;
    return schema;
}

static int has_type(const json_t *schema, const char *type)
{
    const json_t *t = json_object_get(schema, "type");
    size_t i;
    json_t *item;
    if (json_is_string(t))
        return strcmp(json_string_value(t), type) == 0;
    json_array_foreach (t, i, item)
        if (strcmp(json_string_value(item), type) == 0)
            return 1;
    return 0;
}

static void check_choices(const struct say_field *f, json_t *schema)
{
    size_t i, n = 1;
    json_t *item;
    for (const char *c = f->choices; *c; c++)
        n += *c == '|';
    json_array_foreach (at(schema, "enum"), i, item) {
        char all[256], one[64];
        snprintf(all, sizeof all, "|%s|", f->choices);
        snprintf(one, sizeof one, "|%s|", json_is_null(item) ? "" : json_string_value(item));
        if (!json_is_null(item) && !strstr(all, one))
            fail_msg("%s: the server does not know %s", f->name, json_string_value(item));
        n -= !json_is_null(item);
    }
    assert_int_equal(n, 0);
}

static void check_field(const struct say_field *f, json_t *schema)
{
    static const char *const types[] = {"string", "string", "string", "number", "integer", "boolean"};
    schema = of_type(schema, types[f->type]);
    if (!has_type(schema, types[f->type]))
        fail_msg("%s: its type in openapi.json is not %s", f->name, types[f->type]);
    if (f->type == SAY_CHOICE) {
        check_choices(f, schema);
    } else if (f->type == SAY_REAL || f->type == SAY_INT) {
        assert_true(json_number_value(at(schema, "minimum")) == f->least);
        assert_true(json_number_value(at(schema, "maximum")) == f->most);
    } else if (f->type != SAY_BOOL) {
        assert_true(json_number_value(at(schema, "maxLength")) == f->most);
        assert_true(json_number_value(json_object_get(schema, "minLength")) == f->least);
    }
}

static void fields_have_the_limits_of_the_schema(void **state)
{
    static const struct {
        enum say_api api;
        const char *schema;
    } apis[] = {{SAY_OPENAI, "SpeechRequest"}, {SAY_ORIGINAL, "TtsRequest"}};
    (void)state;
    for (size_t a = 0; a < sizeof apis / sizeof *apis; a++) {
        json_t *properties = at(at(at(at(doc, "components"), "schemas"), apis[a].schema), "properties");
        size_t count = 0;
        for (const struct say_field *f = say_fields; f->name; f++)
            if (f->apis & apis[a].api) {
                check_field(f, at(properties, f->name));
                count++;
            }
        assert_int_equal(json_object_size(properties), count);
    }
}

static void the_query_has_the_same_fields(void **state)
{
    json_t *parameters = at(at(at(at(doc, "paths"), "/api/tts/stream"), "get"), "parameters"), *p = NULL;
    size_t i, count = 0;
    (void)state;
    for (const struct say_field *f = say_fields; f->name; f++) {
        if (!(f->apis & SAY_ORIGINAL))
            continue;
        count++;
        json_array_foreach (parameters, i, p)
            if (strcmp(json_string_value(at(p, "name")), f->name) == 0)
                break;
        if (i == json_array_size(parameters))
            fail_msg("/api/tts/stream: there is no parameter %s", f->name);
        check_field(f, at(p, "schema"));
    }
    assert_int_equal(json_array_size(parameters), count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_is_described),
        cmocka_unit_test(parameters_are_those_of_the_path),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(version_is_the_programs),
        cmocka_unit_test(fields_have_the_limits_of_the_schema),
        cmocka_unit_test(the_query_has_the_same_fields),
    };
    return cmocka_run_group_tests_name("openapi", tests, load, unload);
}
