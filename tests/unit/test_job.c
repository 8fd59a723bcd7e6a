/* A job from its making to its end when memory runs out: nothing is lost, nothing leaks. */
#include "test.h"

#include "failing_heap.h"
#include "speech/job.h"
#include "speech/job_encode.h"
#include "speech/speech_mail.h"
#include "speech/voices.h"

#include <math.h>

static struct loop *loop;
static struct speech_mail *mail;
static struct buf heard; /* made room for in advance: the test's own memory does not run out */
static int pieces_heard, ends, bells;

static void on_job(void *user, struct job *job, struct job_piece *pieces, int finished)
{
    (void)user;
    (void)job;
    while (pieces) {
        struct job_piece *next = pieces->next;
        buf_add(&heard, pieces->bytes.ptr, pieces->bytes.len);
        buf_release(&pieces->bytes);
        free(pieces);
        pieces = next;
        pieces_heard++;
    }
    ends += finished;
}

static void on_bell(void *user)
{
    (void)user;
    bells++;
}

static int setup(void **state)
{
    (void)state;
    const struct speech_mail_calls calls = {on_job, on_bell, NULL};
    struct error err;
    pieces_heard = ends = bells = 0;
    return loop_create(&loop, &err) || speech_mail_create(loop, &calls, &mail, &err) || buf_reserve(&heard, 1 << 20);
}

static int teardown(void **state)
{
    (void)state;
    speech_mail_free(mail);
    loop_free(loop); /* with the message that may still be on its way */
    buf_release(&heard);
    return 0;
}

static struct job_request request(const char *format, int stream)
{
    struct job_request r = {.id = "id", .client = "client", .text = "Hello.", .engine = "",
                            .format = format, .stream = stream, .keep = stream};
    ishow_say_params_init(&r.say);
    return r;
}

static int make_job(struct error *err)
{
    const struct job_request r = request("wav", 0);
    struct job *job;
    if (job_create(&r, &job))
        return error_nomem(err);
    assert_string_equal(job->text, "Hello.");
    assert_string_equal(job->client, "client");
    job_free(job);
    return 0;
}

static void a_request_without_memory_is_refused(void **state)
{
    (void)state;
    heap_fail_each(make_job);
}

/* A piece of a tone, a pause for the loop, and another. */
static int encode(struct error *err)
{
    static float tone[ISHOW_RATE];
    const struct job_request r = request("wav", 1);
    struct job *job;
    for (size_t i = 0; i < ISHOW_RATE; i++)
        tone[i] = 0.1f * sinf((float)i * 0.1f);
    if (job_create(&r, &job))
        return error_nomem(err);
    job->mail = mail;
    struct job_encode e = {.job = job};
    int rc = job_encode_write(&e, tone, ISHOW_RATE, 0, err);
    speech_mail_read(mail);
    if (!rc)
        rc = job_encode_write(&e, tone, ISHOW_RATE / 2, 0, err);
    if (!rc)
        rc = job_encode_finish(&e, err);
    job_encode_release(&e);
    speech_mail_read(mail);
    job_free(job);
    return rc;
}

static void encoding_without_memory_fails_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t n = 1, all = 0; !all; n++) {
        struct error err = {0};
        heard.len = 0;
        heap.calls = 0;
        heap.fail_at = n;
        heap.armed = 1;
        const int rc = encode(&err);
        heap.armed = 0;
        all = heap.calls < n;
        /* without memory for a message to the loop, or for what is kept, the stream goes on */
        if (rc)
            assert_int_equal(err.code, E_NOMEM);
        else
            assert_int_equal(heard.len, 44 + 3 * ISHOW_RATE);
        assert_in_range(heap.live, 0, 1); /* the message */
        heap.live = 0;
    }
}

static void an_end_arrives_though_no_message_could_be_sent(void **state)
{
    (void)state;
    const struct job_request r = request("wav", 0);
    struct job *job;
    assert_int_equal(job_create(&r, &job), 0);
    job->mail = mail;
    heap.calls = 0;
    heap.fail_at = 1;
    heap.armed = 1;
    speech_mail_send(job, NULL, 1);
    heap.armed = 0;
    assert_int_equal(heap.calls, 1);
    assert_int_equal(ends, 0);
    speech_mail_read(mail); /* as the watch does */
    assert_int_equal(ends, 1);
    job_free(job);
}

static void one_message_is_enough_for_all_news(void **state)
{
    (void)state;
    struct job *jobs[3];
    const struct job_request r = request("wav", 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(job_create(&r, &jobs[i]), 0);
        jobs[i]->mail = mail;
    }
    heap.calls = 0;
    heap.fail_at = 0;
    heap.armed = 1;
    for (int i = 0; i < 3; i++)
        speech_mail_send(jobs[i], NULL, 1);
    speech_mail_ring(mail);
    heap.armed = 0;
    heap.live = 0;
    assert_int_equal(heap.calls, 1);
    speech_mail_read(mail);
    assert_int_equal(ends, 3);
    assert_int_equal(bells, 1);
    for (int i = 0; i < 3; i++)
        job_free(jobs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_without_memory_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(encoding_without_memory_fails_and_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_arrives_though_no_message_could_be_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(one_message_is_enough_for_all_news, setup, teardown),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
