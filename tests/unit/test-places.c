/* SPDX-License-Identifier: Apache-2.0 */
/* Where plugins are looked for, in which order, whom the user trusts, and what is wrong with a
 * configuration. */
#include "world.h"

#include "plugin/config.h"
#include "plugin/places.h"

/* Before and after each test: the user's folders are in the world. */
static int
make_home (void **state)
{
  if (make_world (state) != 0)
    return -1;
  world *w = *state;
  setenv ("HOME", w->folder, 1);
  setenv ("XDG_CONFIG_HOME", in_world (w, "config"), 1);
  setenv ("XDG_DATA_HOME", in_world (w, "data"), 1);
  setenv ("XDG_CACHE_HOME", in_world (w, "home-cache"), 1);
  unsetenv ("ADZE_PLUGIN_PATH");
  return 0;
}

#define AT_HOME(test) cmocka_unit_test_setup_teardown (test, make_home, end_world)

static void
configure (world *w, const char *text)
{
  run_command ("mkdir -p '%s' && printf '%s' > '%s'", in_world (w, "config/adze"), text,
               in_world (w, "config/adze/config.toml"));
}

static adze_error *
find (const adze_runtime_options *options, adze_places *places)
{
  const adze_runtime_options none = ADZE_RUNTIME_OPTIONS_INIT;
  adze_error *error = adze_places_find (options ? options : &none, places);
  if (error)
    adze_places_cleanup (places);
  return error;
}

static size_t
folder_number (const adze_places *places, const char *path)
{
  for (size_t i = 0; i < places->folder_count; i++)
    if (strcmp (places->folders[i].path, path) == 0)
      return i;
  fail_msg ("%s is not searched", path);
  return 0;
}

static void
assert_folder (const adze_places *places, size_t number, const char *path, const char *origin,
               bool trusted)
{
  assert_true (number < places->folder_count);
  assert_string_equal (places->folders[number].path, path);
  assert_string_equal (places->folders[number].origin, origin);
  assert_int_equal (places->folders[number].trusted, trusted);
}

static void
the_order (void **state)
{
  world *w = *state;
  ADZE_AUTO (adze_places) places = { 0 };
  const char *const named[] = { in_world (w, "one"), in_world (w, "two"), NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  char path[300];
  options.plugin_path = named;
  snprintf (path, sizeof path, "%s/three::%s/one:", w->folder, w->folder);
  setenv ("ADZE_PLUGIN_PATH", path, 1);
  must (find (&options, &places));
  assert_int_equal (places.folder_count, 5);
  assert_folder (&places, 0, named[0], "--plugin-path", false);
  assert_folder (&places, 1, named[1], "--plugin-path", false);
  assert_folder (&places, 2, in_world (w, "three"), "ADZE_PLUGIN_PATH", false);
  assert_folder (&places, 3, in_world (w, "data/adze/plugins"), "user", false);
  /* The system's, or that of the build that this test belongs to. */
  assert_true (places.folders[4].trusted);
  assert_string_equal (places.cache, in_world (w, "home-cache/adze/registry"));
}

/* The specification has relative ones ignored. */
static void
without_a_home (void **state)
{
  world *w = *state;
  ADZE_AUTO (adze_places) places = { 0 };
  (void)w;
  setenv ("XDG_DATA_HOME", "relative", 1);
  setenv ("XDG_CACHE_HOME", "", 1);
  setenv ("XDG_CONFIG_HOME", "relative", 1);
  must (find (NULL, &places));
  assert_string_equal (places.folders[0].path, in_world (w, ".local/share/adze/plugins"));
  assert_string_equal (places.cache, in_world (w, ".cache/adze/registry"));
  adze_places_cleanup (&places);
  unsetenv ("HOME");
  must (find (NULL, &places));
  assert_int_equal (places.folder_count, 1);
  assert_null (places.cache);
}

static void
trust_is_said_by_the_user (void **state)
{
  world *w = *state;
  ADZE_AUTO (adze_places) places = { 0 };
  const char *const named[]
      = { in_world (w, "mine"), in_world (w, "mine/below"), in_world (w, "link"), NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  options.plugin_path = named;
  run_command ("mkdir -p '%s' '%s' && ln -s real '%s'", named[1], in_world (w, "real"), named[2]);
  configure (w, "trusted = [\"~/mine/../mine/\", \"~/link\"]\\nkeys = [\"~/keys\"]\\n");
  must (find (&options, &places));
  assert_true (places.folders[folder_number (&places, named[0])].trusted);
  assert_false (places.folders[folder_number (&places, named[1])].trusted);
  /* Under whichever name it is reached. */
  assert_true (places.folders[folder_number (&places, in_world (w, "real"))].trusted);
  assert_true (adze_places_trusts (&places, in_world (w, "real")));
  assert_false (adze_places_trusts (&places, w->folder));
  bool found = false;
  for (size_t i = 0; i < places.key_count; i++)
    found = found || strcmp (places.keys[i], in_world (w, "keys")) == 0;
  assert_true (found);
}

static void
no_configuration_says_nothing (void **state)
{
  world *w = *state;
  ADZE_AUTO (adze_places) places = { 0 };
  must (find (NULL, &places));
  assert_false (places.require_signed);
  assert_int_equal (places.trusted_count, 0);
  adze_places_cleanup (&places);
  configure (w, "");
  must (find (NULL, &places));
  assert_int_equal (places.trusted_count, 0);
}

static void
what_is_wrong_is_shown (void **state)
{
  world *w = *state;
  static const struct {
    const char *text, *place, *part;
  } wrong[] = {
    { "trusted = [\"relative\"]\\n", "config.toml:1:12", "must be an absolute path" },
    { "trusted = [\"~other/x\"]\\n", "config.toml:1:12", "must be an absolute path" },
    { "trusted = \"/x\"\\n", "config.toml:1:11", "must be a list of folders" },
    { "\\ntrusted = [\"/x\", 7]\\n", "config.toml:2:18", "must be a string" },
    { "\\n\\nkeys = 5\\n", "config.toml:3:8", "must be a list" },
    { "require-signed = \"yes\"\\n", "config.toml:1:18", "true or false" },
    { "# a\\ntrustd = []\\n", "config.toml:2:1", "did you mean 'trusted'" },
    { "colour = 1\\n", "config.toml:1:1", "there are: trusted, keys, require-signed" },
    { "trusted = [\\n", "config.toml:", "the configuration cannot be used" },
  };
  adze_places places = { 0 };
  for (size_t i = 0; i < ADZE_COUNT_OF (wrong); i++) {
    configure (w, wrong[i].text);
    adze_error *error = find (NULL, &places);
    assert_non_null (error);
    assert_non_null (adze_error_fact (error, "line"));
    assert_non_null (adze_error_fact (error, "column"));
    must_fail (error, ADZE_E_FORMAT, wrong[i].place, wrong[i].part,
               "the configuration cannot be used", NULL);
  }
  run_command ("rm '%s' && mkdir '%s'", in_world (w, "config/adze/config.toml"),
               in_world (w, "config/adze/config.toml"));
  must_fail (find (NULL, &places), ADZE_E_IO, "config.toml", NULL);
}

static void
what_is_required_stays_required (void **state)
{
  world *w = *state;
  ADZE_AUTO (adze_places) places = { 0 };
  run_command ("printf 'require-signed = true\\n' > '%s'; printf 'require-signed = false\\n' > '%s'",
               in_world (w, "strict.toml"), in_world (w, "loose.toml"));
  must (adze_config_read (in_world (w, "strict.toml"), NULL, &places));
  assert_true (places.require_signed);
  must (adze_config_read (in_world (w, "loose.toml"), NULL, &places));
  assert_true (places.require_signed);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    AT_HOME (the_order),
    AT_HOME (without_a_home),
    AT_HOME (trust_is_said_by_the_user),
    AT_HOME (no_configuration_says_nothing),
    AT_HOME (what_is_wrong_is_shown),
    AT_HOME (what_is_required_stays_required),
  };
  return cmocka_run_group_tests_name ("places", tests, NULL, NULL);
}
