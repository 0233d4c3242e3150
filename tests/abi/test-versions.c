/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins of this SDK, of a later minor and of a later major meet this host and others, and each
 * time happens what docs/abi.md says: its table is read, and tried row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "stage/feed.h"

/* As in plugin.c. */
enum { ITEM_MINOR, ITEM_ALLOCATE, ITEM_LATER, ITEM_LATER_LOG, ITEM_RANDOM, ITEM_ORDER, ITEM_COUNT };

/* 0 to 9, each time doubled before the next is added. */
#define ORDERED 1013

static char folder[] = "/tmp/adze-abi-XXXXXX";

static const char *
sources (void)
{
  const char *path = getenv ("TOP_SRCDIR");
  return path ? path : "../..";
}

static const char *
compiler (void)
{
  const char *cc = getenv ("CC");
  return cc && cc[0] ? cc : "cc";
}

ADZE_PRINTF (1, 2)
static int
run_command (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *command = adze_text_vformat (format, arguments);
  va_end (arguments);
  assert_non_null (command);
  return system (command);
}

static int
make_sdks (void **state)
{
  static const char *const which[] = { "minor", "major", "draft" };
  (void)state;
  if (!mkdtemp (folder))
    return -1;
  for (size_t i = 0; i < ADZE_COUNT_OF (which); i++)
    if (run_command ("sh '%s/tests/abi/later-sdk.sh' '%s/%s' %s", sources (), folder, which[i],
                     which[i]) != 0)
      return -1;
  return 0;
}

static int
remove_sdks (void **state)
{
  (void)state;
  return run_command ("rm -rf '%s'", folder);
}

/* ---- Plugins. */

/* SDK: NULL for this one, else as later-sdk.sh calls it. The path is the caller's to free; what the
 * compiler says is in FOLDER/said. What is loaded stays, so another plugin needs another NAME. */
static char *
try_build (const char *name, const char *sdk, const char *flags, bool *built)
{
  char *path = adze_text_format ("%s/%s.so", folder, name);
  ADZE_AUTO_FREE char *headers = sdk ? adze_text_format ("%s/%s", folder, sdk)
                                     : adze_text_format ("%s/sdk/include", sources ());
  assert_non_null (path);
  assert_non_null (headers);
  *built = run_command ("%s -std=gnu11 -shared -fPIC -fvisibility=hidden -Wall -Wextra -Werror "
                        "-I'%s' %s -o '%s' '%s/tests/abi/plugin.c' 2> '%s/said'",
                        compiler (), headers, flags, path, sources (), folder)
           == 0;
  return path;
}

static char *
build (const char *name, const char *sdk, const char *flags)
{
  bool built = false;
  char *path = try_build (name, sdk, flags, &built);
  if (!built) {
    (void)run_command ("cat '%s/said'", folder);
    fail_msg ("%s does not compile with %s", name, flags);
  }
  return path;
}

/* ---- A plugin in a host of some profile. */

typedef struct guest {
  adze_runtime *runtime;
  adze_plugin_record *record;
} guest;

static adze_error *
enter (const adze_profile *profile, const char *path, guest *made)
{
  *made = (guest){ NULL, NULL };
  ADZE_TRY (adze_runtime_open_worker (profile, 0, &made->runtime));
  ADZE_TRY (adze_scan_file (made->runtime, path, &made->record));
  return adze_activate (made->runtime, made->record);
}

static void
enter_well (const adze_profile *profile, const char *path, guest *made)
{
  ADZE_AUTO_ERROR error = enter (profile, path, made);
  if (error)
    fail_msg ("%s", adze_error_text (error));
}

static void
leave (guest *made)
{
  adze_runtime_close (made->runtime);
}

/* Feeds it 1, 2, 3. What comes back fills NUMBERS. */
static adze_error *
feed (const guest *made, const char *const *settings, float numbers[ITEM_COUNT], size_t *count)
{
  const adze_manifest_component *component
      = adze_manifest_find (made->record->manifest, "abi-probe");
  ADZE_AUTO (adze_document) document = { 0 };
  adze_instance *instance = NULL;
  adze_fed fed = { 0 };
  float ones[] = { 1, 2, 3 };
  int64_t shape[] = { 3 };
  const adze_tensor input = { .struct_size = sizeof input,
                              .name = "numbers",
                              .view = { .data = ones,
                                        .device = { ADZE_DEVICE_CPU, 0 },
                                        .rank = 1,
                                        .dtype = { ADZE_FLOAT, 32, 1 },
                                        .shape = shape },
                              .byte_size = sizeof ones };
  assert_non_null (component);
  ADZE_TRY (adze_settings_parse (component, settings, &document));
  const adze_value *const sets[] = { document.root };
  const adze_tensor *const inputs[] = { &input };
  const adze_instance_options options = { .component = "abi-probe", .document = &document,
                                          .settings = sets, .variants = 1, .isolate = -1 };
  const adze_feed_options how = { 0 };
  ADZE_TRY (adze_instance_open (made->runtime, &options, &instance));
  adze_error *error = adze_feed (instance, 1, inputs, 1, &how, &fed);
  if (!error) {
    assert_int_equal (fed.count, 1);
    assert_true (fed.outputs[0].given);
    *count = fed.outputs[0].tensor.byte_size / sizeof *numbers;
    assert_in_range (*count, 1, ITEM_COUNT);
    memcpy (numbers, fed.outputs[0].tensor.view.data, fed.outputs[0].tensor.byte_size);
  }
  adze_fed_cleanup (&fed);
  adze_instance_close (instance);
  return error;
}

static void
ask (const guest *made, float items[ITEM_COUNT])
{
  static const char *const settings[] = { "report = true", NULL };
  size_t count = 0;
  ADZE_AUTO_ERROR error = feed (made, settings, items, &count);
  if (error)
    fail_msg ("%s", adze_error_text (error));
  assert_int_equal (count, ITEM_COUNT);
  assert_true (items[ITEM_ORDER] == ORDERED);
}

/* Presets, and then values for both rows of the table. */
static void
assert_works (const guest *made)
{
  static const char *const presets[] = { NULL };
  static const char *const settings[] = { "factor = 4", "times = 3", NULL };
  float numbers[ITEM_COUNT] = { 0 };
  size_t count = 0;
  ADZE_AUTO_ERROR error = feed (made, presets, numbers, &count);
  assert_null (error);
  assert_int_equal (count, 3);
  assert_true (numbers[0] == 2 && numbers[1] == 4 && numbers[2] == 6);
  ADZE_AUTO_ERROR other = feed (made, settings, numbers, &count);
  assert_null (other);
  assert_true (numbers[0] == 12 && numbers[1] == 24 && numbers[2] == 36);
}

static void
assert_fact (const adze_error *error, const char *name, const char *part)
{
  const char *value = adze_error_fact (error, name);
  if (!value || !strstr (value, part)) {
    ADZE_AUTO_FREE char *text = adze_error_text (error);
    fail_msg ("the fact '%s' should have '%s' in it:\n%s", name, part, text);
  }
}

/* ---- The table of docs/abi.md. */

typedef struct version {
  unsigned major, minor;
} version;

typedef struct row {
  version sdk;
  unsigned needed; /* ADZE_API_VERSION */
  version host;
  char outcome[100];
  unsigned line; /* of docs/abi.md */
} row;

/* Which simulated SDK has this number; false: none has. */
static bool
sdk_of (version sdk, const char **which)
{
  if (sdk.major == ADZE_ABI_MAJOR && sdk.minor == ADZE_ABI_MINOR)
    *which = NULL;
  else if (sdk.major == ADZE_ABI_MAJOR && sdk.minor == ADZE_ABI_MINOR + 1)
    *which = "minor";
  else if (sdk.major == ADZE_ABI_MAJOR + 1 && sdk.minor == 0)
    *which = "major";
  else
    return false;
  return true;
}

static bool
outcome_is (const row *one, const char *words)
{
  return strncmp (one->outcome, words, strlen (words)) == 0;
}

static void
assert_refused (const row *one, const adze_error *error, const char *path)
{
  if (!error)
    fail_msg ("docs/abi.md:%u: it loads", one->line);
  ADZE_AUTO_FREE char *needed
      = adze_text_format ("ABI %u.%u (adze %u.%u", one->sdk.major, one->needed, one->sdk.major,
                          one->needed);
  ADZE_AUTO_FREE char *found = adze_text_format ("ABI %u.%u (adze %s)", one->host.major,
                                                 one->host.minor, adze_version ());
  assert_fact (error, "step", "abi");
  assert_fact (error, "file", path);
  assert_fact (error, "needed", needed);
  assert_fact (error, "found", found);
  assert_fact (error, "hint", "install adze");
  assert_non_null (strstr (adze_error_message (error), path));
}

static void
assert_does_not_compile (const row *one, bool built)
{
  if (built)
    fail_msg ("docs/abi.md:%u: it compiles", one->line);
  if (run_command ("grep -q 'ADZE_API_VERSION asks for a minor' '%s/said'", folder) != 0)
    fail_msg ("docs/abi.md:%u: the compiler's message does not say why", one->line);
}

static void
try_row (const row *one)
{
  const char *sdk = NULL;
  bool built = false;
  if (!sdk_of (one->sdk, &sdk))
    fail_msg ("docs/abi.md:%u: there is no SDK %u.%u to try this with; this one is %d.%d",
              one->line, one->sdk.major, one->sdk.minor, ADZE_ABI_MAJOR, ADZE_ABI_MINOR);
  bool later = sdk && strcmp (sdk, "minor") == 0;
  ADZE_AUTO_FREE char *flags
      = later ? adze_text_format ("-DADZE_API_VERSION=%u -DLATER=%d", one->needed, ADZE_ABI_MINOR)
              : adze_text_format ("-DADZE_API_VERSION=%u", one->needed);
  ADZE_AUTO_FREE char *name = adze_text_format ("row-%u", one->line);
  ADZE_AUTO_FREE char *path = try_build (name, sdk, flags, &built);
  if (outcome_is (one, "does not compile")) {
    assert_does_not_compile (one, built);
    return;
  }
  if (!built)
    fail_msg ("docs/abi.md:%u: it does not compile", one->line);
  adze_profile host = adze_profile_everyday;
  host.abi_major = one->host.major;
  host.abi_minor = one->host.minor;
  guest made;
  ADZE_AUTO_ERROR error = enter (&host, path, &made);
  if (outcome_is (one, "refused"))
    assert_refused (one, error, path);
  else if (!outcome_is (one, "loads"))
    fail_msg ("docs/abi.md:%u: '%s' is no outcome", one->line, one->outcome);
  else if (error)
    fail_msg ("docs/abi.md:%u: it is refused: %s", one->line, adze_error_text (error));
  else
    assert_works (&made);
  leave (&made);
}

static bool
read_row (const char *line, unsigned number, row *one)
{
  one->line = number;
  return sscanf (line, "| %u.%u | %u | %u.%u | %99[^|\n]", &one->sdk.major, &one->sdk.minor,
                 &one->needed, &one->host.major, &one->host.minor, one->outcome)
         == 6;
}

static void
the_table_of_the_document_is_true (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/docs/abi.md", sources ());
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  assert_non_null (path);
  ADZE_AUTO_ERROR error = adze_file_read (path, 1 << 20, &text, &size);
  if (error)
    fail_msg ("%s", adze_error_text (error));
  unsigned number = 0, loads = 0, refused = 0;
  char *rest = NULL;
  for (char *at = text; at && *at; at = rest) {
    row one;
    rest = strchr (at, '\n');
    if (rest)
      *rest++ = '\0';
    if (!read_row (at, ++number, &one))
      continue;
    try_row (&one);
    loads += outcome_is (&one, "loads");
    refused += outcome_is (&one, "refused");
  }
  assert_true (loads >= 4);
  assert_true (refused >= 4);
}

/* ---- A later SDK, and this host. */

static char *
build_later (const char *name, const char *flags)
{
  ADZE_AUTO_FREE char *all = adze_text_format ("-DLATER=%d %s", ADZE_ABI_MINOR, flags);
  return build (name, "minor", all);
}

static void
later_members_are_passed_over_and_known_to_be_absent (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_later ("later", "");
  float items[ITEM_COUNT];
  guest made;
  enter_well (&adze_profile_everyday, path, &made);
  assert_works (&made);
  ask (&made, items);
  assert_true (items[ITEM_MINOR] == ADZE_ABI_MINOR);
  assert_true (items[ITEM_ALLOCATE] == 1);
  assert_true (items[ITEM_LATER] == 0);
  assert_true (items[ITEM_LATER_LOG] == 0);
  assert_true (items[ITEM_RANDOM] == 1);
  leave (&made);
}

static void
rows_of_a_later_sdk_are_read_at_their_stride (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_later ("later", "");
  guest made;
  size_t ports = 0;
  enter_well (&adze_profile_everyday, path, &made);
  const adze_manifest_component *component
      = adze_manifest_find (made.record->manifest, "abi-probe");
  assert_int_equal (component->param_count, 3);
  assert_string_equal (component->params[0].range, "(0, 100]");
  assert_string_equal (component->params[1].name, "times");
  assert_string_equal (component->params[2].help, "give what is known of the host instead");
  const adze_port *port = adze_manifest_ports (component, &ports);
  assert_int_equal (ports, 2);
  assert_string_equal (port[1].help, "what became of it");
  leave (&made);
}

/* It cannot be taken by its number alone: the table that it is handed is what counts. */
static void
a_host_of_the_later_number_without_its_members_is_seen_through (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *flags = adze_text_format ("-DADZE_API_VERSION=%d", ADZE_ABI_MINOR + 1);
  ADZE_AUTO_FREE char *path = build_later ("later-needed", flags);
  adze_profile host = adze_profile_everyday;
  host.abi_minor = ADZE_ABI_MINOR + 1;
  float items[ITEM_COUNT];
  guest made;
  enter_well (&host, path, &made);
  ask (&made, items);
  assert_true (items[ITEM_MINOR] == ADZE_ABI_MINOR + 1);
  assert_true (items[ITEM_LATER] == 0);
  leave (&made);
}

static void
a_revised_draft_is_refused (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build ("draft", "draft", "");
  ADZE_AUTO_FREE char *needed
      = adze_text_format ("revision %d, exactly", ADZE_TECHNIQUE_REVISION);
  guest made;
  ADZE_AUTO_ERROR error = enter (&adze_profile_everyday, path, &made);
  assert_non_null (error);
  assert_fact (error, "step", "fields");
  assert_fact (error, "needed", needed);
  assert_fact (error, "found", "revision 99");
  leave (&made);
}

/* What a plugin says must be understood, or it is not what it seems. */
static void
a_parameter_of_a_later_type_is_refused (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_later ("later-type", "-DLATER_TYPE");
  guest made;
  ADZE_AUTO_ERROR error = enter (&adze_profile_everyday, path, &made);
  assert_non_null (error);
  assert_fact (error, "step", "fields");
  assert_fact (error, "needed", "in row 3");
  assert_fact (error, "found", ".type = 11");
  leave (&made);
}

static void
a_later_status_is_an_internal_fault_with_its_reason (void **state)
{
  (void)state;
  static const char *const presets[] = { NULL };
  ADZE_AUTO_FREE char *path = build_later ("later-status", "-DLATER_STATUS");
  float numbers[ITEM_COUNT];
  size_t count = 0;
  guest made;
  enter_well (&adze_profile_everyday, path, &made);
  ADZE_AUTO_ERROR error = feed (&made, presets, numbers, &count);
  assert_non_null (error);
  assert_int_equal (adze_error_status (error), ADZE_E_INTERNAL);
  assert_non_null (strstr (adze_error_message (adze_error_cause (error)), "came later"));
  leave (&made);
}

static void
the_doctor_knows_without_loading (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *flags = adze_text_format ("-DADZE_API_VERSION=%d", ADZE_ABI_MINOR + 1);
  ADZE_AUTO_FREE char *needed
      = adze_text_format ("ABI %d.%d (adze", ADZE_ABI_MAJOR, ADZE_ABI_MINOR + 1);
  ADZE_AUTO_FREE char *path = build_later ("later-needed", flags);
  ADZE_AUTO_FREE char *text = NULL;
  adze_runtime *runtime = NULL;
  bool healthy = true;
  ADZE_AUTO_ERROR opened = adze_runtime_open (NULL, &runtime);
  assert_null (opened);
  ADZE_AUTO_ERROR error = adze_doctor (runtime, path, false, &healthy, &text);
  assert_null (error);
  assert_false (healthy);
  assert_non_null (strstr (text, needed));
  adze_runtime_close (runtime);
}

/* ---- The same in a process of its own, where events cross a pipe. */

typedef struct told {
  unsigned events;
  int64_t first, last;
  unsigned others;
} told;

static void
listen_for_told (void *argument, const adze_event *event)
{
  told *heard = argument;
  if (strcmp (event->id, "abi.told") != 0)
    return;
  heard->events++;
  for (uint32_t i = 0; i < event->field_count; i++)
    if (event->fields[i].type != ADZE_FIELD_INT)
      heard->others++;
    else if (strcmp (event->fields[i].key, "first") == 0)
      heard->first = event->fields[i].value.integer;
    else if (strcmp (event->fields[i].key, "last") == 0)
      heard->last = event->fields[i].value.integer;
}

static void
apply_in_worker (adze_runtime *runtime)
{
  static const char *const settings[] = { "report = true", NULL };
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  float one = 1;
  const adze_tensor input = { .struct_size = sizeof input,
                              .name = "one",
                              .view = { .data = &one,
                                        .device = { ADZE_DEVICE_CPU, 0 },
                                        .dtype = { ADZE_FLOAT, 32, 1 } } };
  options.settings = settings;
  options.isolate = 1;
  ADZE_AUTO_ERROR opened = adze_harness_open (runtime, "abi-probe", &options, &harness);
  if (opened)
    fail_msg ("%s", adze_error_text (opened));
  ADZE_AUTO_ERROR error = adze_harness_apply (harness, &input, &output);
  if (error)
    fail_msg ("%s", adze_error_text (error));
  assert_non_null (output);
  const float *items = adze_view_data (&output->view);
  assert_true (items[ITEM_LATER] == 0);
  assert_true (items[ITEM_ORDER] == ORDERED);
  adze_harness_close (harness);
}

static void
a_later_plugin_works_in_a_worker (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_later ("later", "");
  ADZE_AUTO_FREE char *cache = adze_text_format ("%s/cache", folder);
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  adze_runtime *runtime = NULL;
  const adze_plugin_info *info = NULL;
  told heard = { 0, 0, 0, 0 };
  options.cache = cache;
  ADZE_AUTO_ERROR opened = adze_runtime_open (&options, &runtime);
  assert_null (opened);
  ADZE_AUTO_ERROR listened = adze_listen (runtime, listen_for_told, &heard);
  assert_null (listened);
  ADZE_AUTO_ERROR added = adze_plugin_add (runtime, path, &info);
  assert_null (added);
  if (info->failure)
    fail_msg ("%s", adze_error_text (info->failure));
  apply_in_worker (runtime);
  adze_runtime_close (runtime);
  assert_int_equal (heard.events, 1);
  assert_int_equal (heard.first, 1);
  assert_int_equal (heard.last, 3);
  assert_int_equal (heard.others, 0);
}

/* ---- This SDK, and an earlier or poorer host. */

static void
a_host_without_services_gets_the_documented_defaults (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build ("this", NULL, "");
  adze_profile host = adze_profile_everyday;
  host.without_services = true;
  told heard = { 0, 0, 0, 0 };
  float items[ITEM_COUNT];
  guest made;
  enter_well (&host, path, &made);
  ADZE_AUTO_ERROR listened = adze_listen (made.runtime, listen_for_told, &heard);
  assert_null (listened);
  assert_works (&made);
  ask (&made, items);
  assert_true (items[ITEM_RANDOM] == 0);
  assert_int_equal (heard.events, 0);
  leave (&made);
}

static void
a_shorter_host_table_is_seen_to_be_shorter (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build ("this", NULL, "");
  adze_profile host = adze_profile_everyday;
  host.host_size = offsetof (adze_host, allocate);
  float items[ITEM_COUNT];
  guest made;
  enter_well (&host, path, &made);
  assert_works (&made);
  ask (&made, items);
  assert_true (items[ITEM_ALLOCATE] == 0);
  assert_true (items[ITEM_RANDOM] == 1);
  leave (&made);
}

/* The number is looked at first: nothing else of an earlier host would help. */
static void
an_earlier_minor_refuses_however_poor_it_is (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build ("this", NULL, "");
  const adze_profile host = { .abi_major = ADZE_ABI_MAJOR,
                              .abi_minor = 0,
                              .host_size = offsetof (adze_host, allocate),
                              .without_services = true };
  guest made;
  ADZE_AUTO_ERROR error = enter (&host, path, &made);
  assert_non_null (error);
  assert_fact (error, "step", "abi");
  assert_fact (error, "needed", "ABI 0.1 (adze 0.1 or later)");
  assert_fact (error, "found", "ABI 0.0 (adze ");
  leave (&made);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (the_table_of_the_document_is_true),
    cmocka_unit_test (later_members_are_passed_over_and_known_to_be_absent),
    cmocka_unit_test (rows_of_a_later_sdk_are_read_at_their_stride),
    cmocka_unit_test (a_host_of_the_later_number_without_its_members_is_seen_through),
    cmocka_unit_test (a_revised_draft_is_refused),
    cmocka_unit_test (a_parameter_of_a_later_type_is_refused),
    cmocka_unit_test (a_later_status_is_an_internal_fault_with_its_reason),
    cmocka_unit_test (the_doctor_knows_without_loading),
    cmocka_unit_test (a_later_plugin_works_in_a_worker),
    cmocka_unit_test (a_host_without_services_gets_the_documented_defaults),
    cmocka_unit_test (a_shorter_host_table_is_seen_to_be_shorter),
    cmocka_unit_test (an_earlier_minor_refuses_however_poor_it_is),
  };
  return cmocka_run_group_tests_name ("versions", tests, make_sdks, remove_sdks);
}
