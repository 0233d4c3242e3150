/* SPDX-License-Identifier: Apache-2.0 */
/* The observer trace: one line an event, whatever is in it, and JSON that a parser takes. */
#include "fake-host.h"

#include <locale.h>
#include <math.h>
#include <sys/stat.h>

#include <jansson.h>

#include "../../plugins/observers/trace/trace.c"

typedef struct scene {
  char folder[64];
  char path[96];
} scene;

static int
scene_open (void **state)
{
  scene *s = calloc (1, sizeof *s);
  if (!s)
    return -1;
  strcpy (s->folder, "/tmp/adze-test-trace-XXXXXX");
  if (!mkdtemp (s->folder))
    return -1;
  snprintf (s->path, sizeof s->path, "%s/events", s->folder);
  *state = s;
  return 0;
}

static int
scene_close (void **state)
{
  scene *s = *state;
  unlink (s->path);
  rmdir (s->folder);
  free (s);
  return 0;
}

static void *
make (const char *path, const char *format)
{
  const fake_value values[] = { { .name = "path", .text = path },
                                { .name = "format", .text = format },
                                { .name = NULL } };
  const adze_params table = { values };
  void *instance = NULL;
  assert_int_equal (create (&fake_host, &table, &instance), ADZE_OK);
  return instance;
}

/* A pipe that has come to be there since the path was checked, and that nobody reads. */
static void
waits_for_no_reader (void **state)
{
  const scene *s = *state;
  const fake_value values[] = { { .name = "path", .text = s->path },
                                { .name = "format", .text = "text" },
                                { .name = NULL } };
  const adze_params table = { values };
  void *instance = NULL;
  assert_int_equal (mkfifo (s->path, 0600), 0);
  alarm (20);
  assert_int_equal (create (&fake_host, &table, &instance), ADZE_E_IO);
  alarm (0);
}

static void
show (void *instance, const char *source, const adze_field *fields, uint32_t count)
{
  const adze_event seen = { .struct_size = sizeof seen,
                            .field_count = count,
                            .id = "sample.seen",
                            .source = source,
                            .time_ns = INT64_C (1700000000123456789),
                            .sequence = 42,
                            .fields = fields };
  assert_int_equal (event (&fake_host, instance, &seen), ADZE_OK);
}

/* What was written so far. */
static const char *
written (const scene *s)
{
  static char text[4096];
  FILE *stream = fopen (s->path, "r");
  assert_non_null (stream);
  size_t size = fread (text, 1, sizeof text - 1, stream);
  fclose (stream);
  text[size] = '\0';
  return text;
}

static const char hostile[] = "a\"b\\c\nd\x1b[2J\x7f \xc3\xa9 \xc2\x9b \xff \xe2\x82";

static const adze_field all_fields[] = {
  { .key = "yes", .type = ADZE_FIELD_BOOL, .value = { .boolean = true } },
  { .key = "least", .type = ADZE_FIELD_INT, .value = { .integer = INT64_MIN } },
  { .key = "tenth", .type = ADZE_FIELD_FLOAT, .value = { .real = 0.1 } },
  { .key = "third", .type = ADZE_FIELD_FLOAT, .value = { .real = 1.0 / 3 } },
  { .key = "two", .type = ADZE_FIELD_FLOAT, .value = { .real = 2 } },
  { .key = "huge", .type = ADZE_FIELD_FLOAT, .value = { .real = 1e300 } },
  { .key = "endless", .type = ADZE_FIELD_FLOAT, .value = { .real = -INFINITY } },
  { .key = "newer", .type = 99, .value = { .integer = 7 } },
  { .key = "te\"xt", .type = ADZE_FIELD_STRING, .value = { .string = hostile } },
};
#define ALL_FIELDS (sizeof all_fields / sizeof all_fields[0])

static void
text_is_one_line_an_event (void **state)
{
  const scene *s = *state;
  void *instance = make (s->path, "text");
  show (instance, "fault", all_fields, ALL_FIELDS);
  assert_string_equal (written (s), /* at once, not at the end */
                       "2023-11-14T22:13:20.123456Z 42 sample.seen from fault yes=true"
                       " least=-9223372036854775808 tenth=0.1 third=0.3333333333333333 two=2.0"
                       " huge=1e+300 endless=\"-inf\""
                       " te\\\"xt=\"a\\\"b\\\\c\\u000ad\\u001b[2J\\u007f \xc3\xa9 \\u009b \\ufffd"
                       " \\ufffd\\ufffd\"\n");
  destroy (&fake_host, instance);
}

static void
json_is_what_a_parser_takes (void **state)
{
  const scene *s = *state;
  void *instance = make (s->path, "json");
  show (instance, NULL, NULL, 0);
  show (instance, hostile, all_fields, ALL_FIELDS);
  destroy (&fake_host, instance);
  char text[4096];
  snprintf (text, sizeof text, "%s", written (s));
  char *second = strchr (text, '\n');
  assert_non_null (second);
  *second++ = '\0';
  assert_string_equal (text, "{\"time_ns\":1700000000123456789,\"sequence\":42,"
                             "\"id\":\"sample.seen\",\"fields\":{}}");
  assert_ptr_equal (strchr (second, '\n'), second + strlen (second) - 1);
  json_error_t error;
  json_t *root = json_loads (second, JSON_REJECT_DUPLICATES, &error);
  if (!root)
    fail_msg ("%s: %s", error.text, second);
  json_t *fields = json_object_get (root, "fields");
  assert_int_equal (json_object_size (fields), ALL_FIELDS - 1);
  assert_true (json_is_true (json_object_get (fields, "yes")));
  assert_true (json_integer_value (json_object_get (fields, "least")) == INT64_MIN);
  assert_true (json_real_value (json_object_get (fields, "tenth")) == 0.1);
  assert_true (json_real_value (json_object_get (fields, "third")) == 1.0 / 3);
  assert_true (json_is_real (json_object_get (fields, "two")));
  assert_string_equal (json_string_value (json_object_get (fields, "endless")), "-inf");
  const char *shown = "a\"b\\c\nd\x1b[2J\x7f \xc3\xa9 \xc2\x9b \xef\xbf\xbd "
                      "\xef\xbf\xbd\xef\xbf\xbd";
  assert_string_equal (json_string_value (json_object_get (fields, "te\"xt")), shown);
  assert_string_equal (json_string_value (json_object_get (root, "source")), shown);
  json_decref (root);
}

/* Where the machine has such a locale. */
static void
a_locale_with_commas_changes_nothing (void **state)
{
  const scene *s = *state;
  if (!setlocale (LC_NUMERIC, "de_DE.UTF-8") && !setlocale (LC_NUMERIC, "fr_FR.UTF-8"))
    skip ();
  void *instance = make (s->path, "text");
  show (instance, NULL, &all_fields[2], 1);
  setlocale (LC_NUMERIC, "C");
  destroy (&fake_host, instance);
  assert_non_null (strstr (written (s), "tenth=0.1\n"));
}

static void
a_file_is_appended_to (void **state)
{
  const scene *s = *state;
  for (int i = 0; i < 2; i++) {
    void *instance = make (s->path, "text");
    show (instance, NULL, NULL, 0);
    destroy (&fake_host, instance);
  }
  assert_string_equal (written (s), "2023-11-14T22:13:20.123456Z 42 sample.seen\n"
                                    "2023-11-14T22:13:20.123456Z 42 sample.seen\n");
}

static void
a_file_that_cannot_be_written_is_named (void **state)
{
  const scene *s = *state;
  const fake_value values[] = { { .name = "path", .text = s->folder },
                                { .name = "format", .text = "text" },
                                { .name = NULL } };
  const adze_params table = { values };
  void *instance = NULL;
  assert_int_equal (create (&fake_host, &table, &instance), ADZE_E_IO);
  assert_non_null (strstr (fake_reason, s->folder));
  if (access ("/dev/full", W_OK) != 0)
    skip ();
  instance = make ("/dev/full", "text");
  const adze_event seen = { .struct_size = sizeof seen, .id = "x" };
  assert_int_equal (event (&fake_host, instance, &seen), ADZE_E_IO);
  assert_non_null (strstr (fake_reason, "cannot write to /dev/full: No space"));
  destroy (&fake_host, instance);
}

int
main (void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown (test, scene_open, scene_close)
  const struct CMUnitTest tests[] = {
    IN_SCENE (text_is_one_line_an_event),
    IN_SCENE (json_is_what_a_parser_takes),
    IN_SCENE (a_locale_with_commas_changes_nothing),
    IN_SCENE (a_file_is_appended_to),
    IN_SCENE (a_file_that_cannot_be_written_is_named),
    IN_SCENE (waits_for_no_reader),
  };
  return cmocka_run_group_tests_name ("trace", tests, NULL, NULL);
}
