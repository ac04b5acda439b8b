/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What happened, in order: each event is one letter. */
struct trace {
    struct tph_loop *loop;
    struct tph_timer *timer;
    struct tph_io *io;
    char text[64];
    size_t len;
    int left; /* how often it still goes on */
    int fd;
};

struct mark {
    struct trace *trace;
    char letter;
};

static void note(struct trace *trace, char letter)
{
    assert_true(trace->len + 1 < sizeof(trace->text));
    trace->text[trace->len++] = letter;
}

static void note_mark(void *owner)
{
    struct mark *mark = owner;
    note(mark->trace, mark->letter);
}

static int set_up(void **state)
{
    struct trace *trace = calloc(1, sizeof(*trace));
    struct tph_error err = TPH_ERROR_INIT;
    assert_non_null(trace);
    assert_int_equal(tph_loop_new(&trace->loop, &err), 0);
    *state = trace;
    return 0;
}

static int tear_down(void **state)
{
    struct trace *trace = *state;
    tph_loop_free(trace->loop);
    free(trace);
    return 0;
}

static void timers_fire_by_deadline_and_equal_ones_in_the_order_they_were_started(void **state)
{
    struct trace *trace = *state;
    static const struct {
        char letter;
        int64_t delay_ms;
    } rows[] = {{'d', 15}, {'b', 5}, {'a', 0}, {'c', 5}, {'A', -7}};
    struct mark marks[5];
    struct tph_timer *timers[5];

    for (size_t i = 0; i < 5; i++) {
        marks[i] = (struct mark){trace, rows[i].letter};
        timers[i] = tph_timer_new(trace->loop, note_mark, &marks[i]);
        tph_timer_start(timers[i], rows[i].delay_ms);
        assert_true(tph_timer_active(timers[i]));
    }
    assert_string_equal(trace->text, ""); /* never from inside start */
    tph_loop_run(trace->loop);
    /* a and A were both due at once; b and c at the same millisecond or one apart, in this order */
    assert_string_equal(trace->text, "aAbcd");
    for (size_t i = 0; i < 5; i++) {
        assert_false(tph_timer_active(timers[i]));
        tph_timer_free(timers[i]);
    }
}

static void starting_a_timer_again_moves_its_deadline(void **state)
{
    struct trace *trace = *state;
    struct mark late = {trace, 'l'}, early = {trace, 'e'};
    struct tph_timer *moved = tph_timer_new(trace->loop, note_mark, &late);
    struct tph_timer *fixed = tph_timer_new(trace->loop, note_mark, &early);

    tph_timer_start(moved, 1);
    tph_timer_start(fixed, 10);
    tph_timer_start(moved, 20);
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "el");
    tph_timer_free(moved);
    tph_timer_free(fixed);
}

static void a_stopped_timer_does_not_fire_nor_keep_the_loop(void **state)
{
    struct trace *trace = *state;
    struct mark mark = {trace, 'x'};
    struct tph_timer *timer = tph_timer_new(trace->loop, note_mark, &mark);

    tph_timer_start(timer, 60000);
    tph_timer_stop(timer);
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "");
    tph_timer_free(timer);
    tph_timer_free(NULL);
}

static void start_again(void *owner)
{
    struct trace *trace = owner;
    note(trace, 't');
    if (trace->left-- > 0) {
        tph_timer_start(trace->timer, 0);
    }
}

static void a_timer_may_start_itself_in_its_callback(void **state)
{
    struct trace *trace = *state;
    trace->timer = tph_timer_new(trace->loop, start_again, trace);
    trace->left = 3;
    tph_timer_start(trace->timer, 0);
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "tttt");
    tph_timer_free(trace->timer);
}

static void restart_for_ever(void *owner)
{
    struct trace *trace = owner;
    tph_timer_start(trace->timer, 0);
}

static void byte_came(void *owner, unsigned events)
{
    struct trace *trace = owner;
    char byte = 0;
    assert_int_equal(events, TPH_IO_READ);
    assert_int_equal(read(trace->fd, &byte, 1), 1);
    note(trace, byte);
    tph_loop_stop(trace->loop);
}

static void a_timer_that_starts_itself_with_zero_does_not_starve_the_others(void **state)
{
    struct trace *trace = *state;
    struct tph_error err = TPH_ERROR_INIT;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    trace->fd = ends[0];
    assert_int_equal(tph_io_new(trace->loop, ends[0], byte_came, trace, &trace->io, &err), 0);
    tph_io_watch(trace->io, TPH_IO_READ);
    assert_int_equal(write(ends[1], "r", 1), 1);
    trace->timer = tph_timer_new(trace->loop, restart_for_ever, trace);
    tph_timer_start(trace->timer, 0);
    tph_loop_run(trace->loop); /* ends only if the pipe gets its turn */
    assert_string_equal(trace->text, "r");
    tph_timer_free(trace->timer);
    tph_io_free(trace->io);
    close(ends[0]);
    close(ends[1]);
}

static void free_own_timer(void *owner)
{
    struct trace *trace = owner;
    note(trace, 'f');
    tph_timer_free(trace->timer);
    trace->timer = NULL;
}

static void a_timer_may_be_freed_in_its_callback(void **state)
{
    struct trace *trace = *state;
    trace->timer = tph_timer_new(trace->loop, free_own_timer, trace);
    tph_timer_start(trace->timer, 1);
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "f");
    assert_null(trace->timer);
}

static void defer_more(void *owner)
{
    struct mark *mark = owner;
    note(mark->trace, mark->letter);
    if (mark->letter == 'a') {
        tph_defer(mark->trace->loop, note_mark, mark);
    }
}

static void deferred_calls_keep_their_order_and_what_they_defer_comes_in_a_later_turn(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'}, b = {trace, 'b'}, c = {trace, 'c'};

    tph_defer(trace->loop, defer_more, &a);
    tph_defer(trace->loop, note_mark, &b);
    tph_defer(trace->loop, note_mark, &c);
    assert_string_equal(trace->text, "");
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "abca");
}

static void a_cancelled_owner_hears_of_none_of_its_deferred_calls(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'}, b = {trace, 'b'};

    tph_defer(trace->loop, note_mark, &a);
    tph_defer(trace->loop, note_mark, &b);
    tph_defer(trace->loop, note_mark, &a);
    tph_defer_cancel(trace->loop, &a);
    tph_defer_cancel(trace->loop, trace); /* has nothing waiting */
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "b");
}

static void cancel_other(void *owner)
{
    struct mark *other = owner;
    note(other->trace, 'c');
    tph_defer_cancel(other->trace->loop, other);
}

static void a_deferred_call_may_cancel_a_later_one_of_the_same_turn(void **state)
{
    struct trace *trace = *state;
    struct mark victim = {trace, 'v'}, last = {trace, 'l'};

    tph_defer(trace->loop, cancel_other, &victim); /* cancelled too, but it is running by then */
    tph_defer(trace->loop, note_mark, &victim);
    tph_defer(trace->loop, note_mark, &last);
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "cl");
}

static void freeing_the_loop_drops_what_is_deferred_and_works_after_a_stop(void **state)
{
    struct trace *trace = *state;
    struct mark a = {trace, 'a'};

    tph_defer(trace->loop, note_mark, &a);
    tph_loop_stop(trace->loop); /* outside of run: must not keep free from closing */
    /* tear_down frees the loop; the leak checker sees whether all of it went */
    assert_string_equal(trace->text, "");
}

static void a_paused_descriptor_is_silent_until_it_is_watched_again(void **state)
{
    struct trace *trace = *state;
    struct tph_error err = TPH_ERROR_INIT;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    trace->fd = ends[0];
    assert_int_equal(tph_io_new(trace->loop, ends[0], byte_came, trace, &trace->io, &err), 0);
    assert_int_equal(write(ends[1], "pq", 2), 2);
    tph_io_watch(trace->io, TPH_IO_READ);
    tph_io_watch(trace->io, 0);
    tph_loop_run(trace->loop); /* nothing is watched: ends */
    assert_string_equal(trace->text, "");
    tph_io_watch(trace->io, TPH_IO_READ);
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "p");
    tph_io_free(trace->io);
    tph_io_free(NULL);
    assert_int_equal(fcntl(ends[0], F_GETFD), FD_CLOEXEC); /* stays open */
    close(ends[0]);
    close(ends[1]);
}

/* Takes one byte a turn from a connection that its peer has reset. */
static void read_one(void *owner, unsigned events)
{
    struct trace *trace = owner;
    char byte = 0;
    (void)events;
    ssize_t n = recv(trace->fd, &byte, 1, 0);
    if (n < 0) {
        assert_int_equal(errno, ECONNRESET);
        return; /* told once, before or after the bytes */
    }
    note(trace, n == 1 ? byte : '.');
    if (n == 0) {
        tph_io_watch(trace->io, 0);
    }
}

static void bytes_that_came_before_an_error_are_all_offered_for_reading(void **state)
{
    struct trace *trace = *state;
    struct tph_error err = TPH_ERROR_INIT;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(write(ends[0], "unread", 6), 6); /* makes the close of the peer a reset */
    assert_int_equal(write(ends[1], "xyz", 3), 3);
    close(ends[1]);
    trace->fd = ends[0];
    assert_int_equal(tph_io_new(trace->loop, ends[0], read_one, trace, &trace->io, &err), 0);
    tph_io_watch(trace->io, TPH_IO_READ);
    tph_loop_run(trace->loop);
    assert_string_equal(trace->text, "xyz.");
    tph_io_free(trace->io);
    close(ends[0]);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
    struct trace *trace = *state;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_io *io = NULL;
    assert_int_equal(tph_io_new(trace->loop, -1, byte_came, trace, &io, &err), -1);
    assert_null(io);
    assert_int_equal(err.kind, TPH_ERROR_SYSTEM);
    assert_non_null(strstr(err.text, "cannot watch descriptor -1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timers_fire_by_deadline_and_equal_ones_in_the_order_they_were_started),
        TEST(starting_a_timer_again_moves_its_deadline),
        TEST(a_stopped_timer_does_not_fire_nor_keep_the_loop),
        TEST(a_timer_may_start_itself_in_its_callback),
        TEST(a_timer_that_starts_itself_with_zero_does_not_starve_the_others),
        TEST(a_timer_may_be_freed_in_its_callback),
        TEST(deferred_calls_keep_their_order_and_what_they_defer_comes_in_a_later_turn),
        TEST(a_cancelled_owner_hears_of_none_of_its_deferred_calls),
        TEST(a_deferred_call_may_cancel_a_later_one_of_the_same_turn),
        TEST(freeing_the_loop_drops_what_is_deferred_and_works_after_a_stop),
        TEST(a_paused_descriptor_is_silent_until_it_is_watched_again),
        TEST(bytes_that_came_before_an_error_are_all_offered_for_reading),
        TEST(what_cannot_be_watched_is_an_error),
    };
    return cmocka_run_group_tests_name("loop/loop", tests, NULL, NULL);
}
