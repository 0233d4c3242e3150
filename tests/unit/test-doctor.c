/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor finds wrong with files that are, and that it agrees with the dynamic linker. */
#define _GNU_SOURCE 1 /* memmem */

#include <elf.h>

#include "shared-objects.h"

#include "base/json.h"
#include "plugin/doctor/doctor.h"
#include "plugin/doctor/libraries.h"
#include "plugin/refusal.h"

static adze_value *
examine (const char *path)
{
  adze_value *report = NULL;
  assert_null (adze_doctor_examine (path, &report));
  assert_non_null (report);
  return report;
}

static const char *
text_of (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  return value ? value->string : NULL;
}

static bool
truth_of (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  assert_non_null (value);
  return value->boolean;
}

/* The finding of LIST (problems or warnings) that has WORD in what was needed. */
static const adze_value *
find_in (const adze_value *report, const char *list, const char *word)
{
  const adze_value *entries = adze_value_get (report, list);
  assert_non_null (entries);
  for (size_t i = 0; i < entries->count; i++) {
    const char *needed = text_of (entries->items[i], "needed");
    assert_non_null (text_of (entries->items[i], "step"));
    assert_non_null (text_of (entries->items[i], "message"));
    assert_non_null (needed);
    assert_non_null (text_of (entries->items[i], "found"));
    assert_non_null (text_of (entries->items[i], "hint"));
    if (strstr (needed, word))
      return entries->items[i];
  }
  return NULL;
}

static void
check_problem (const adze_value *report, const char *step, const char *needed, const char *hint)
{
  const adze_value *problem = find_in (report, "problems", needed);
  if (!problem)
    fail_msg ("no problem about %s", needed);
  assert_string_equal (text_of (problem, "step"), step);
  if (!strstr (text_of (problem, "hint"), hint))
    fail_msg ("expected %s in the hint: %s", hint, text_of (problem, "hint"));
  assert_false (truth_of (report, "healthy"));
}

static char *
written (const adze_value *report)
{
  adze_buffer buffer = { 0 };
  char *text = NULL;
  adze_doctor_write (report, &buffer);
  assert_null (adze_buffer_finish (&buffer, &text));
  return text;
}

/* Whether the doctor says of PATH what the dynamic linker does. That one works in a program of its
 * own, which no checker of memory watches. */
static void
check_against_linker (const char *path, const adze_value *report)
{
  ADZE_AUTO_FREE char *program
      = compile ("open-it",
                 "#include <dlfcn.h>\nint main (int count, char **words)\n"
                 "{ return count < 2 || !dlopen (words[1], RTLD_NOW | RTLD_LOCAL); }\n",
                 "-ldl");
  ADZE_AUTO_FREE char *command = adze_text_format ("'%s' '%s'", program, path);
  assert_non_null (command);
  bool taken = system (command) == 0;
  if (truth_of (report, "healthy") != taken)
    fail_msg ("%s: the doctor says %s, the dynamic linker %s", path, taken ? "no" : "yes",
              taken ? "yes" : "no");
}

static void
finds_nothing_wrong_with_a_good_plugin (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *path
      = build ("good.so", PLUGIN "extern double cbrt (double);\n"
                                 "double f (double x) { return cbrt (x); }\n"
                                 "extern int perhaps (void) __attribute__ ((weak));\n"
                                 "int g (void) { return perhaps ? perhaps () : 0; }\n",
               "-lm -Wl,-z,noexecstack");
  ADZE_AUTO_VALUE report = examine (path);
  assert_true (truth_of (report, "healthy"));
  assert_true (truth_of (report, "entry"));
  assert_int_equal (adze_value_get (report, "warnings")->count, 0);
  assert_true (truth_of (adze_value_get (report, "abi"), "compatible"));
  assert_non_null (strstr (text_of (adze_value_get (report, "abi"), "needed"), "adze 0.1"));
  const adze_value *library = adze_value_get (report, "libraries")->items[0];
  assert_string_equal (text_of (library, "name"), "libm.so.6");
  assert_int_equal (access (text_of (library, "found-at"), R_OK), 0);
  assert_string_equal (adze_value_get (library, "needed-by")->items[0]->string, "good.so");
  check_against_linker (path, report);
  ADZE_AUTO_FREE char *text = written (report);
  assert_non_null (strstr (text, "\nhealthy: nothing found that keeps it from loading\n"));
}

static void
names_a_missing_library_and_who_needs_it (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *deep = build ("libdeep.so.1", "int deep (void) { return 1; }\n",
                                     "-Wl,-soname,libdeep.so.1");
  free (build ("libmiddle.so.1",
               "extern int deep (void); int middle (void) { return deep (); }\n",
               "libdeep.so.1 -Wl,-soname,libmiddle.so.1 -Wl,-rpath,'$ORIGIN'"));
  ADZE_AUTO_FREE char *path
      = build ("needy.so", PLUGIN "extern int middle (void);\nint f (void) { return middle (); }\n",
               "libmiddle.so.1 -Wl,--enable-new-dtags -Wl,-rpath,'${ORIGIN}/.'");
  ADZE_AUTO_VALUE before = examine (path);
  assert_true (truth_of (before, "healthy"));

  assert_int_equal (unlink (deep), 0);
  ADZE_AUTO_VALUE report = examine (path);
  check_problem (report, "open", "libdeep.so.1", "apt-file search libdeep.so.1");
  assert_non_null (strstr (text_of (find_in (report, "problems", "libdeep"), "message"),
                           "libmiddle.so.1"));
  assert_non_null (strstr (text_of (find_in (report, "problems", "libdeep"), "found"),
                           shared_folder));
  /* Its symbols may be in what is missing: they are not held against it. */
  assert_int_equal (adze_value_get (report, "problems")->count, 1);
  assert_int_equal (adze_value_get (report, "unjudged-symbols")->integer, 1);
  check_against_linker (path, report);
  ADZE_AUTO_FREE char *text = written (report);
  assert_non_null (strstr (text, "missing, needed by libmiddle.so.1"));
  assert_non_null (strstr (text, "\nnot healthy: 1 problem keeps it from loading\n"));

  /* A file of that name that is none is told apart from none. */
  assert_null (adze_file_write (deep, "not a library", 13, 0600));
  ADZE_AUTO_VALUE junk = examine (path);
  check_problem (junk, "open", "an ELF shared object", "again");
  assert_non_null (strstr (text_of (find_in (junk, "problems", "ELF"), "message"), "libdeep.so.1"));
  check_against_linker (path, junk);
}

static void
searches_where_the_dynamic_linker_does (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *folder = in_folder ("elsewhere");
  assert_null (adze_folder_make (folder));
  ADZE_AUTO_FREE char *library = build ("elsewhere/libfar.so.1", "int far (void) { return 1; }\n",
                                        "-Wl,-soname,libfar.so.1");
  static const char source[] = PLUGIN "extern int far (void);\nint f (void) { return far (); }\n";
  ADZE_AUTO_FREE char *bare = build ("bare.so", source, "elsewhere/libfar.so.1");
  ADZE_AUTO_FREE char *old = build ("old.so", source,
                                    "elsewhere/libfar.so.1 -Wl,--disable-new-dtags "
                                    "-Wl,-rpath,'/nowhere:$ORIGIN/elsewhere'");
  ADZE_AUTO_VALUE lost = examine (bare);
  check_problem (lost, "open", "libfar.so.1", "LD_LIBRARY_PATH");
  check_against_linker (bare, lost);

  assert_int_equal (setenv ("LD_LIBRARY_PATH", folder, 1), 0);
  ADZE_AUTO_VALUE found = examine (bare);
  assert_int_equal (unsetenv ("LD_LIBRARY_PATH"), 0);
  assert_true (truth_of (found, "healthy"));
  const adze_value *entry = adze_value_get (found, "libraries")->items[0];
  assert_string_equal (text_of (entry, "found-at"), library);

  ADZE_AUTO_VALUE by_rpath = examine (old);
  assert_true (truth_of (by_rpath, "healthy"));
  check_against_linker (old, by_rpath);
}

/* A library in which a name is right and the machine is not: the search goes on, and says so. */
static void
passes_libraries_for_other_machines_over (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *wrong = in_folder ("wrong");
  assert_null (adze_folder_make (wrong));
  ADZE_AUTO_FREE char *library = build ("libtwo.so.1", "int two (void) { return 2; }\n",
                                        "-Wl,-soname,libtwo.so.1");
  ADZE_AUTO_FREE char *path = build (
      "two.so", PLUGIN "extern int two (void);\nint f (void) { return two (); }\n",
      "libtwo.so.1 -Wl,--enable-new-dtags -Wl,-rpath,'$ORIGIN/wrong:$ORIGIN'");
  const uint16_t machine = EM_SPARC;
  free (patched (library, "wrong/libtwo.so.1", offsetof (Elf64_Ehdr, e_machine), &machine, 2));
  ADZE_AUTO_VALUE right = examine (path);
  assert_true (truth_of (right, "healthy"));
  check_against_linker (path, right);
  assert_int_equal (unlink (library), 0);
  ADZE_AUTO_VALUE report = examine (path);
  const adze_value *problem = adze_value_get (report, "problems")->items[0];
  assert_non_null (strstr (text_of (problem, "message"), "wrong/libtwo.so.1"));
  assert_non_null (strstr (text_of (problem, "found"), "SPARC"));
}

static void
tells_what_to_do_about_undefined_symbols (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *path = build (
      "undefined.so",
      PLUGIN "extern int nobody_has_this (void), adze_runtime_open (void), _Z7missingv (void);\n"
             "extern void __asan_report_load8 (void), _ZNSt6thread4joinEv (void);\n"
             "extern double erfc (double);\n"
             "int f (void) { return nobody_has_this () + adze_runtime_open () + _Z7missingv (); }\n"
             "void g (void) { __asan_report_load8 (); _ZNSt6thread4joinEv (); }\n"
             "double h (double x) { return erfc (x); }\n",
      "");
  ADZE_AUTO_VALUE report = examine (path);
  check_problem (report, "open", "nobody_has_this", "-Wl,-z,defs");
  check_problem (report, "open", "adze_runtime_open", "through the table");
  check_problem (report, "open", "_Z7missingv", "extern \"C\"");
  assert_true (adze_value_get (report, "missing-symbols")->count >= 3);
  /* These are there after all where the test program is linked with the library or a sanitizer. */
  static const char *const hints[][2] = { { "erfc", "-lm" },
                                          { "_ZNSt6thread4joinEv", "g++" },
                                          { "__asan_report_load8", "-fsanitize=address" } };
  for (size_t i = 0; i < ADZE_COUNT_OF (hints); i++) {
    const adze_value *finding = find_in (report, "problems", hints[i][0]);
    if (!finding)
      finding = find_in (report, "warnings", hints[i][0]);
    assert_non_null (finding);
    assert_non_null (strstr (text_of (finding, "hint"), hints[i][1]));
  }
  check_against_linker (path, report);
}

static void
finds_the_fault_of_a_library_behind_it (void **state)
{
  (void)state;
  skip_without_compiler ();
  free (build ("libhalf.so.1", "extern int lost (void); int half (void) { return lost (); }\n",
               "-Wl,-soname,libhalf.so.1"));
  ADZE_AUTO_FREE char *path
      = build ("whole.so", PLUGIN "extern int half (void);\nint f (void) { return half (); }\n",
               "libhalf.so.1 -Wl,--unresolved-symbols=ignore-all -Wl,-rpath,'$ORIGIN'");
  ADZE_AUTO_VALUE report = examine (path);
  check_problem (report, "open", "lost", "does not fit");
  assert_non_null (strstr (text_of (find_in (report, "problems", "lost"), "message"),
                           "libhalf.so.1"));
  check_against_linker (path, report);
}

static void
looks_for_the_entry (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *none = build ("none.so", "int f (void) { return 1; }\n", "");
  ADZE_AUTO_VALUE report = examine (none);
  assert_false (truth_of (report, "entry"));
  check_problem (report, "symbol", "adze_entry", "ADZE_PLUGIN_REGISTER");
  ADZE_AUTO_FREE char *mangled
      = build ("mangled.so", "int _Z10adze_entryv (void) { return 1; }\n", "");
  ADZE_AUTO_VALUE cxx = examine (mangled);
  check_problem (cxx, "symbol", "adze_entry", "extern \"C\"");
  ADZE_AUTO_FREE char *built_in
      = build ("builtin.so", "int my_LTX_adze_entry (void) { return 1; }\n", "");
  ADZE_AUTO_VALUE fixed = examine (built_in);
  check_problem (fixed, "symbol", "adze_entry", "-DPIC");
}

static void
compares_the_contract (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *later = build ("later.so", PLUGIN_MINOR ("7"), "");
  ADZE_AUTO_VALUE report = examine (later);
  check_problem (report, "abi", "ABI 0.7 (adze 0.7", "install the release");
  assert_non_null (strstr (text_of (find_in (report, "problems", "0.7"), "found"), "ABI 0.1"));
  assert_false (truth_of (adze_value_get (report, "abi"), "compatible"));
  ADZE_AUTO_FREE char *silent
      = build ("silent.so", "const void *adze_entry (void) { return 0; }\n", "");
  ADZE_AUTO_VALUE unknown = examine (silent);
  assert_true (truth_of (unknown, "healthy"));
  assert_null (adze_value_get (adze_value_get (unknown, "abi"), "needed"));
}

/* Replaces OLD, which the file must have, by NEW of the same length. */
static char *
renamed (const char *path, const char *name, const char *old, const char *new)
{
  size_t size;
  ADZE_AUTO_FREE char *data = read_whole (path, &size);
  char *place = memmem (data, size, old, strlen (old) + 1);
  assert_non_null (place);
  return patched (path, name, (size_t)(place - data), new, strlen (new));
}

static void
compares_versions_of_libraries (void **state)
{
  (void)state;
  skip_without_compiler ();
  static const char script[] = "FAR_1.2 { global: far; local: *; };";
  ADZE_AUTO_FREE char *map = in_folder ("far.map");
  assert_null (adze_file_write (map, script, sizeof script - 1, 0600));
  free (build ("libversion.so.1", "int far (void) { return 1; }\n",
               "-Wl,-soname,libversion.so.1 -Wl,--version-script,far.map"));
  ADZE_AUTO_FREE char *path
      = build ("version.so", PLUGIN "extern int far (void);\nint f (void) { return far (); }\n",
               "libversion.so.1 -Wl,-rpath,'$ORIGIN'");
  ADZE_AUTO_VALUE before = examine (path);
  assert_true (truth_of (before, "healthy"));
  ADZE_AUTO_FREE char *newer = renamed (path, "newer.so", "FAR_1.2", "FAR_9.2");
  ADZE_AUTO_VALUE report = examine (newer);
  check_problem (report, "open", "FAR_9.2 of libversion.so.1", "newer libversion.so.1");
  assert_non_null (strstr (text_of (find_in (report, "problems", "FAR"), "found"), "FAR_1.2"));
  assert_int_equal (adze_value_get (report, "problems")->count, 1);
}

static void
compares_glibc (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *path = build (
      "glibc.so",
      PLUGIN "__asm__ (\".symver puts, puts@GLIBC_2.2.5\");\nextern int puts (const char *);\n"
             "int f (void) { return puts (\"\"); }\n",
      "-nostartfiles -Wl,--unresolved-symbols=ignore-all");
  size_t size;
  ADZE_AUTO_FREE char *data = read_whole (path, &size);
  if (!memmem (data, size, "GLIBC_2.2.5", sizeof "GLIBC_2.2.5")) {
    print_message ("not tried: this system's glibc did not begin with 2.2.5\n");
    return;
  }
  ADZE_AUTO_FREE char *newer = renamed (path, "glibc-newer.so", "GLIBC_2.2.5", "GLIBC_9.2.5");
  ADZE_AUTO_VALUE report = examine (newer);
  check_problem (report, "open", "glibc 9.2.5, for puts", "build it on a system with glibc");
  assert_string_equal (text_of (adze_value_get (report, "glibc"), "needed"), "9.2.5");
  assert_int_equal (adze_value_get (report, "problems")->count, 1);
}

static void
reports_what_is_no_library_for_this_machine (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_VALUE none = examine ("/nowhere/at/all.so");
  check_problem (none, "find", "can be read", "check the name");
  ADZE_AUTO_FREE char *path = in_folder ("text.so");
  assert_null (adze_file_write (path, "hello", 5, 0600));
  ADZE_AUTO_VALUE text = examine (path);
  check_problem (text, "elf", "an ELF shared object", "shared object");
  ADZE_AUTO_FREE char *own = build ("own.so", PLUGIN, "");
  const uint16_t machine = EM_SPARC;
  ADZE_AUTO_FREE char *other
      = patched (own, "other.so", offsetof (Elf64_Ehdr, e_machine), &machine, 2);
  ADZE_AUTO_VALUE report = examine (other);
  const adze_value *machines = adze_value_get (report, "machine");
  assert_non_null (strstr (text_of (machines, "found"), "SPARC"));
  assert_null (strstr (text_of (machines, "running"), "SPARC"));
  ADZE_AUTO_FREE char *shown = written (report);
  assert_non_null (strstr (shown, "needs SPARC"));
}

static void
warns_of_what_stricter_systems_refuse (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *path = build ("stack.so", PLUGIN, "-Wl,-z,execstack");
  ADZE_AUTO_VALUE report = examine (path);
  assert_true (truth_of (report, "healthy"));
  assert_non_null (find_in (report, "warnings", "stack"));
  ADZE_AUTO_FREE char *thread
      = build ("thread.so",
               PLUGIN "static __thread char big[8192]; char *f (void) { return big; }\n",
               "-ftls-model=initial-exec");
  ADZE_AUTO_VALUE big = examine (thread);
  assert_true (truth_of (big, "healthy"));
  const adze_value *warning = find_in (big, "warnings", "8192 bytes");
  assert_non_null (warning);
  assert_non_null (strstr (text_of (warning, "hint"), "optional_static_tls=8704"));
}

/* A file's names reach the reader's terminal as plain text. */
static void
shows_control_characters_as_text (void **state)
{
  (void)state;
  skip_without_compiler ();
  free (build ("libplain.so.1", "int f (void) { return 1; }\n", "-Wl,-soname,libplain.so.1"));
  ADZE_AUTO_FREE char *path = build ("hostile.so", PLUGIN, "-Wl,--no-as-needed libplain.so.1");
  ADZE_AUTO_FREE char *hostile
      = renamed (path, "hostile2.so", "libplain.so.1", "l\033[2J\nin.so.1");
  ADZE_AUTO_VALUE report = examine (hostile);
  ADZE_AUTO_FREE char *text = written (report);
  assert_null (strchr (text, '\033'));
  assert_non_null (strstr (text, "l\\x1b[2J\\x0ain.so.1"));
}

static void
explains_a_refusal (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *path = build (
      "explain.so", "extern int nobody (void);\nint f (void) { return nobody (); }\n", "");
  ADZE_AUTO_ERROR error = adze_refusal (ADZE_E_NOT_FOUND, ADZE_STEP_OPEN, path, "dlopen said no");
  adze_doctor_explain (path, error);
  assert_string_equal (adze_error_fact (error, "needed"), "nobody"); /* not that it has no entry */
  assert_non_null (adze_error_fact (error, "found"));
  assert_non_null (strstr (adze_error_fact (error, "hint"), "link line"));
  assert_non_null (strstr (adze_error_message (error), "dlopen said no"));
  ADZE_AUTO_FREE char *good = build ("fine.so", PLUGIN, "");
  ADZE_AUTO_ERROR other = adze_refusal (ADZE_E_IO, ADZE_STEP_OPEN, good, "no");
  adze_doctor_explain (good, other);
  assert_non_null (strstr (adze_error_fact (other, "hint"), "LD_DEBUG"));
}

/* Damage that dlopen might die of gives a report, whatever it says. */
static void
survives_corrupted_files (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *path = build (
      "damage.so",
      PLUGIN "extern double cbrt (double);\ndouble f (double x) { return cbrt (x); }\n",
      "-s -nostdlib -Wl,-z,noseparate-code -lm");
  size_t size;
  ADZE_AUTO_FREE char *data = read_whole (path, &size);
  ADZE_AUTO_FREE char *copy = in_folder ("damaged.so");
  for (size_t i = 0; i < size && i < 2048; i += 7) {
    char original = data[i];
    data[i] = (char)~original;
    assert_null (adze_file_write (copy, data, size, 0600));
    data[i] = original;
    ADZE_AUTO_VALUE report = examine (copy);
    ADZE_AUTO_FREE char *text = written (report);
    assert_non_null (strstr (text, "healthy"));
    assert_true (truth_of (report, "healthy")
                 == (adze_value_get (report, "problems")->count == 0));
  }
}

/* A cache of one library, and every byte of it in turn turned into others. */
static void
reads_the_cache_of_libraries (void **state)
{
  (void)state;
  static const char strings[] = "libm.so.6\0/lib/x/libm.so.6";
  struct {
    char magic[20];
    uint32_t count, size, flags, extension, unused[3];
    struct {
      int32_t flags;
      uint32_t name, path, system;
      uint64_t hardware;
    } entry;
    char strings[sizeof strings];
  } cache = { .count = 1, .size = sizeof strings, .entry = { .flags = 0x303 } };
  memcpy (cache.magic, "glibc-ld.so.cache1.1", sizeof cache.magic);
  memcpy (cache.strings, strings, sizeof strings);
  cache.entry.name = offsetof (__typeof__ (cache), strings);
  cache.entry.path = cache.entry.name + sizeof "libm.so.6";
  size_t size = offsetof (__typeof__ (cache), strings) + sizeof strings;
  ADZE_AUTO_FREE char *exact = malloc (size);
  assert_non_null (exact);
  memcpy (exact, &cache, size);
  size_t at = 0;
  assert_string_equal (adze_library_cache_next (exact, size, "libm.so.6", &at), "/lib/x/libm.so.6");
  assert_null (adze_library_cache_next (exact, size, "libm.so.6", &at));
  for (size_t i = 0; i < size; i++)
    for (int value = 0; value < 256; value += 51) {
      char original = exact[i];
      exact[i] = (char)value;
      at = 0;
      const char *found = adze_library_cache_next (exact, size, "libm.so.6", &at);
      assert_true (!found || strlen (found) < size);
      exact[i] = original;
    }
  for (size_t length = 0; length < size; length++) {
    at = 0;
    assert_null (adze_library_cache_next (exact, length, "libm.so.6", &at));
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (finds_nothing_wrong_with_a_good_plugin),
    cmocka_unit_test (names_a_missing_library_and_who_needs_it),
    cmocka_unit_test (searches_where_the_dynamic_linker_does),
    cmocka_unit_test (passes_libraries_for_other_machines_over),
    cmocka_unit_test (tells_what_to_do_about_undefined_symbols),
    cmocka_unit_test (finds_the_fault_of_a_library_behind_it),
    cmocka_unit_test (looks_for_the_entry),
    cmocka_unit_test (compares_the_contract),
    cmocka_unit_test (compares_versions_of_libraries),
    cmocka_unit_test (compares_glibc),
    cmocka_unit_test (reports_what_is_no_library_for_this_machine),
    cmocka_unit_test (warns_of_what_stricter_systems_refuse),
    cmocka_unit_test (shows_control_characters_as_text),
    cmocka_unit_test (explains_a_refusal),
    cmocka_unit_test (survives_corrupted_files),
    cmocka_unit_test (reads_the_cache_of_libraries),
  };
  return cmocka_run_group_tests_name ("doctor", tests, make_folder, remove_folder);
}
