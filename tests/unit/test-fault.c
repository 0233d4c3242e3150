/* SPDX-License-Identifier: Apache-2.0 */
/* The technique fault: each mode does what it says, to the calls that it should, and no other. */
#include "fake-host.h"

#include <sys/wait.h>

#include "../../plugins/techniques/fault/fault.c"

#define MODE(mode_, after_, tensor_) \
  (const fake_value[]) \
  { \
    { .name = "mode", .text = mode_ }, { .name = "after", .integer = after_ }, \
        { .name = "tensor", .text = tensor_ }, { .name = "delay-ms", .integer = 1 }, \
        { .name = "status", .text = "unsupported" }, { .name = NULL } \
  }

static void *
make (const fake_value *values)
{
  const adze_params table = { values };
  void *instance = NULL;
  assert_int_equal (create (&fake_host, &table, &instance), ADZE_OK);
  assert_non_null (instance);
  return instance;
}

/* Applies it to a tensor of 2 x 3, or to a scalar. */
static adze_status
call_on (void *instance, const char *name, int32_t rank, adze_call *given)
{
  int64_t shape[] = { 2, 3 };
  float numbers[6] = { 0 };
  const adze_tensor input = { .struct_size = sizeof input,
                              .name = name,
                              .view = { .data = numbers,
                                        .device = { ADZE_DEVICE_CPU, 0 },
                                        .rank = rank,
                                        .dtype = { ADZE_FLOAT, 32, 1 },
                                        .shape = shape } };
  adze_call unused;
  adze_call *call = given ? given : &unused;
  call->rank = -1;
  return apply (&fake_host, instance, call, &input);
}

static void
nothing_goes_wrong_unless_asked_for (void **state)
{
  (void)state;
  static const char *const modes[] = { "none", "delay" };
  for (size_t i = 0; i < 2; i++) {
    void *instance = make (MODE (modes[i], 0, ""));
    adze_call call;
    assert_int_equal (call_on (instance, "w", 2, &call), ADZE_OK);
    assert_int_equal (call.rank, -1);
    destroy (&fake_host, instance);
  }
}

static void
a_failure_has_its_status_and_reason (void **state)
{
  (void)state;
  void *instance = make (MODE ("fail", 0, ""));
  assert_int_equal (call_on (instance, "fc1.weight", 2, NULL), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "'fc1.weight'"));
  destroy (&fake_host, instance);
}

/* Each choice of the table is one that the code knows. */
static void
every_status_has_its_number (void **state)
{
  (void)state;
  const adze_param *status = &params[4];
  assert_string_equal (status->name, "status");
  char choices[200];
  snprintf (choices, sizeof choices, "%s", status->choices);
  uint32_t seen = 0;
  size_t count = 0;
  for (char *word = strtok (choices, "|"); word; word = strtok (NULL, "|"), count++)
    seen |= UINT32_C (1) << status_named (word);
  assert_int_equal (__builtin_popcount (seen), count);
  snprintf (choices, sizeof choices, "%s", params[0].choices);
  for (char *word = strtok (choices, "|"); word; word = strtok (NULL, "|"))
    assert_true ((mode_named (word) == mode_none) == (strcmp (word, "none") == 0));
}

static void
the_first_calls_pass (void **state)
{
  (void)state;
  void *instance = make (MODE ("fail", 2, ""));
  assert_int_equal (call_on (instance, "a", 2, NULL), ADZE_OK);
  assert_int_equal (call_on (instance, "b", 2, NULL), ADZE_OK);
  assert_int_equal (call_on (instance, "c", 2, NULL), ADZE_E_UNSUPPORTED);
  assert_int_equal (call_on (instance, "d", 2, NULL), ADZE_E_UNSUPPORTED);
  destroy (&fake_host, instance);
}

static void
only_the_named_tensor_counts (void **state)
{
  (void)state;
  void *instance = make (MODE ("fail", 1, "b"));
  assert_int_equal (call_on (instance, "a", 2, NULL), ADZE_OK);
  assert_int_equal (call_on (instance, "b", 2, NULL), ADZE_OK);
  assert_int_equal (call_on (instance, "a", 2, NULL), ADZE_OK);
  assert_int_equal (call_on (instance, "b", 2, NULL), ADZE_E_UNSUPPORTED);
  destroy (&fake_host, instance);
}

static void
a_wrong_shape_has_one_more (void **state)
{
  (void)state;
  void *instance = make (MODE ("wrong-shape", 0, ""));
  adze_call call;
  assert_int_equal (call_on (instance, "a", 2, &call), ADZE_OK);
  assert_int_equal (call.rank, 2);
  assert_int_equal (call.shape[0], 3);
  assert_int_equal (call.shape[1], 3);
  assert_int_equal (call_on (instance, "scalar", 0, &call), ADZE_OK);
  assert_int_equal (call.rank, 1);
  assert_int_equal (call.shape[0], 2);
  destroy (&fake_host, instance);
}

/* How a process ends that calls it. The alarm ends one that would never end. */
static int
end_of (const char *mode)
{
  fflush (NULL);
  pid_t child = fork ();
  assert_true (child >= 0);
  if (child == 0) {
    alarm (strcmp (mode, "hang") == 0 ? 1 : 60);
    call_on (make (MODE (mode, 0, "")), "a", 2, NULL);
    _exit (77);
  }
  int status = 0;
  assert_int_equal (waitpid (child, &status, 0), child);
  return status;
}

static void
the_process_ends_or_does_not (void **state)
{
  (void)state;
  int status = end_of ("crash");
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGSEGV);
  status = end_of ("exit");
  assert_true (WIFEXITED (status));
  assert_int_equal (WEXITSTATUS (status), 0);
  status = end_of ("hang");
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGALRM);
}

static void
it_says_that_it_only_looks (void **state)
{
  (void)state;
  const adze_plugin *described = adze_entry ();
  assert_int_equal (described->magic, ADZE_MAGIC);
  const adze_technique *technique
      = (const adze_technique *)described->components[0]->callbacks;
  assert_int_equal (technique->effect, ADZE_INSPECTS);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (nothing_goes_wrong_unless_asked_for),
    cmocka_unit_test (a_failure_has_its_status_and_reason),
    cmocka_unit_test (every_status_has_its_number),
    cmocka_unit_test (the_first_calls_pass),
    cmocka_unit_test (only_the_named_tensor_counts),
    cmocka_unit_test (a_wrong_shape_has_one_more),
    cmocka_unit_test (the_process_ends_or_does_not),
    cmocka_unit_test (it_says_that_it_only_looks),
  };
  return cmocka_run_group_tests_name ("fault", tests, NULL, NULL);
}
