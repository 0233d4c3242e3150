/* SPDX-License-Identifier: Apache-2.0 */
/* A program that is given bytes and answers with bytes: or hangs, dies, says too much, or is not there. */
#include "world.h"

#include "base/filter.h"

static adze_error *
run (const char *script, const char *input, size_t size, int64_t limit_ms, adze_buffer *output)
{
  const char *const argv[] = { "sh", "-c", script, NULL };
  const adze_filter_options options = { .argv = argv, .limit_ms = limit_ms, .most = 1 << 20 };
  return adze_filter_run (&options, input, size, output);
}

/* More than a socket holds at once, both ways. */
static void
bytes_come_back (void **state)
{
  ADZE_AUTO (adze_buffer) output = { 0 }, none = { 0 };
  const size_t size = 1000000;
  ADZE_AUTO_FREE char *input = malloc (size);
  (void)state;
  assert_non_null (input);
  for (size_t i = 0; i < size; i++)
    input[i] = (char)(i * 31 >> 3);
  must (run ("cat", input, size, 60000, &output));
  assert_int_equal (output.size, size);
  assert_memory_equal (output.data, input, size);
  must (run ("cat", "", 0, 60000, &none));
  assert_int_equal (none.size, 0);
}

static void
it_may_leave_its_input_alone (void **state)
{
  ADZE_AUTO (adze_buffer) output = { 0 };
  const size_t size = 1000000;
  ADZE_AUTO_FREE char *input = calloc (1, size);
  (void)state;
  assert_non_null (input);
  must (run ("echo said; exit 0", input, size, 60000, &output));
  assert_int_equal (output.size, 5);
}

static void
what_goes_wrong_is_told (void **state)
{
  static const char *const nobody[] = { "there-is-no-such-program", NULL };
  const adze_filter_options options = { .argv = nobody, .limit_ms = 60000, .most = 1 };
  ADZE_AUTO (adze_buffer) output = { 0 };
  (void)state;
  must_fail (adze_filter_run (&options, "", 0, &output), ADZE_E_NOT_FOUND, "'there-is-no-such-program' in PATH", NULL);
  must_fail (run ("exit 3", "", 0, 60000, &output), ADZE_E_CRASHED, "sh exited with code 3", NULL);
  must_fail (run ("kill -9 $$", "", 0, 60000, &output), ADZE_E_CRASHED, "killed by signal 9", NULL);
  must_fail (run ("sleep 1000 & sleep 1000", "", 0, 50, &output), ADZE_E_TIMEOUT, "after 50 ms, and was killed", NULL);
  must_fail (run ("exec cat /dev/zero", "", 0, 60000, &output), ADZE_E_LIMIT, "more than 1048576 bytes", NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (bytes_come_back),
    cmocka_unit_test (it_may_leave_its_input_alone),
    cmocka_unit_test (what_goes_wrong_is_told),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
