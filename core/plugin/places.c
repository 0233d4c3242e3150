/* SPDX-License-Identifier: Apache-2.0 */
/* The search path, in the order in which it is searched: what the caller names, then
 * ADZE_PLUGIN_PATH, then the user's folder, then the build tree that this program lies in, if any,
 * then the system's. */
#include "plugin/places.h"

#include <string.h>
#include <sys/auxv.h>

#include "base/file.h"
#include "plugin/config.h"
#include "plugin/loader.h"

/* Put on top of a build tree by the build. */
static const char build_mark[] = "adze-uninstalled";

/* A program with more rights than its user must not let that user's environment choose code. */
static bool
privileged (void)
{
  return getauxval (AT_SECURE) != 0;
}

static const char *
environment (const char *name)
{
  const char *value = privileged () ? NULL : getenv (name);
  return value && value[0] ? value : NULL;
}

/* $XDG_..., or its documented place in the home folder; *PATH stays NULL when there is neither. */
static adze_error *
user_place (const char *variable, const char *in_home, const char *rest, char **path)
{
  const char *base = environment (variable);
  const char *home = environment ("HOME");
  *path = NULL;
  /* The specification says that a relative path there is to be ignored. */
  if (base && base[0] == '/')
    *path = adze_text_format ("%s/%s", base, rest);
  else if (home && home[0] == '/')
    *path = adze_text_format ("%s/%s/%s", home, in_home, rest);
  else
    return NULL;
  return *path ? NULL : adze_error_memory ();
}

/* ---- The build tree. */

/* A build's mark makes its programs load what lies beside it, so only somebody who could change
 * the program itself may have put it there. */
static bool
mark_counts (const char *folder)
{
  struct stat program, mark, place;
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, build_mark);
  return path && lstat (path, &mark) == 0 && S_ISREG (mark.st_mode)
         && stat ("/proc/self/exe", &program) == 0 && stat (folder, &place) == 0
         && mark.st_uid == program.st_uid && place.st_uid == program.st_uid
         && (mark.st_mode & S_IWOTH) == 0 && (place.st_mode & S_IWOTH) == 0;
}

/* Where a build puts the programs that it runs itself. */
static bool
is_program_room (const char *name)
{
  return strcmp (name, "hosts") == 0 || strcmp (name, "tests") == 0;
}

/* The nearest folder above PATH (at most five up) that has the build's mark, with PATH cut there. */
static bool
cut_to_build (char *path)
{
  for (int up = 0; up < 5; up++) {
    char *slash = strrchr (path, '/');
    if (!slash || slash == path)
      return false;
    *slash = '\0';
    if (is_program_room (slash + 1) && mark_counts (path))
      return true;
  }
  return false;
}

/* *BUILD stays NULL for an installed program. */
static adze_error *
find_build (char **build)
{
  char path[4096];
  ssize_t length = readlink ("/proc/self/exe", path, sizeof path - 1);
  *build = NULL;
  if (length <= 0 || privileged ())
    return NULL;
  path[length] = '\0';
  if (!cut_to_build (path))
    return NULL;
  *build = strdup (path);
  return *build ? NULL : adze_error_memory ();
}

/* ---- Folders. */

bool
adze_places_trusts (const adze_places *places, const char *path)
{
  for (size_t i = 0; i < places->trusted_count; i++)
    if (strcmp (places->trusted[i], path) == 0)
      return true;
  return false;
}

static adze_error *
add_folder (adze_places *places, const char *path, const char *origin, bool trusted)
{
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_TRY (adze_path_absolute (path, &absolute));
  for (size_t i = 0; i < places->folder_count; i++)
    if (strcmp (places->folders[i].path, absolute) == 0) {
      /* The system's folder named again is still the system's folder. */
      places->folders[i].trusted |= trusted;
      return NULL;
    }
  adze_plugin_folder *grown
      = realloc (places->folders, (places->folder_count + 1) * sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  places->folders = grown;
  trusted = trusted || adze_places_trusts (places, absolute);
  grown[places->folder_count++] = (adze_plugin_folder){ adze_take (&absolute), origin, trusted };
  return NULL;
}

static adze_error *
add_environment_folders (adze_places *places)
{
  const char *list = environment ("ADZE_PLUGIN_PATH");
  ADZE_AUTO_FREE char *copy = list ? strdup (list) : NULL;
  if (!list)
    return NULL;
  if (!copy)
    return adze_error_memory ();
  char *rest = copy;
  for (char *folder = strsep (&rest, ":"); folder; folder = strsep (&rest, ":"))
    if (folder[0])
      ADZE_TRY (add_folder (places, folder, "ADZE_PLUGIN_PATH", false));
  return NULL;
}

static adze_error *
add_all_folders (adze_places *places, const adze_runtime_options *options, const char *build)
{
  for (size_t i = 0; options->plugin_path && options->plugin_path[i]; i++)
    ADZE_TRY (add_folder (places, options->plugin_path[i], "--plugin-path", false));
  ADZE_TRY (add_environment_folders (places));
  ADZE_AUTO_FREE char *user = NULL;
  ADZE_TRY (user_place ("XDG_DATA_HOME", ".local/share", "adze/plugins", &user));
  if (user)
    ADZE_TRY (add_folder (places, user, "user", false));
  if (build) {
    ADZE_AUTO_FREE char *built = adze_text_format ("%s/plugins/.libs", build);
    if (!built)
      return adze_error_memory ();
    return add_folder (places, built, "build", true);
  }
  return add_folder (places, ADZE_PLUGIN_DIR, "system", true);
}

/* ---- The rest. */

static adze_error *
read_configuration (adze_places *places, const adze_runtime_options *options)
{
  const char *home = environment ("HOME");
  ADZE_TRY (adze_config_read (ADZE_SYSCONF_DIR "/adze/config.toml", home, places));
  ADZE_TRY (adze_list_add (&places->keys, &places->key_count, ADZE_SYSCONF_DIR "/adze/keys"));
  ADZE_AUTO_FREE char *keys = NULL;
  ADZE_TRY (user_place ("XDG_CONFIG_HOME", ".config", "adze/keys", &keys));
  if (keys)
    ADZE_TRY (adze_list_add (&places->keys, &places->key_count, keys));
  if (options->config) {
    if (access (options->config, F_OK) != 0)
      return adze_error_errno ("the configuration %s was asked for and cannot be read",
                               options->config);
    return adze_config_read (options->config, home, places);
  }
  ADZE_AUTO_FREE char *path = NULL;
  ADZE_TRY (user_place ("XDG_CONFIG_HOME", ".config", "adze/config.toml", &path));
  return path ? adze_config_read (path, home, places) : NULL;
}

static adze_error *
find_worker (adze_places *places, const adze_runtime_options *options, const char *build)
{
  if (options->worker)
    return adze_path_absolute (options->worker, &places->worker);
  if (adze_loader_worker_self ())
    places->worker = strdup ("/proc/self/exe");
  else if (build)
    places->worker = adze_text_format ("%s/hosts/worker/adze-worker", build);
  else
    places->worker = strdup (ADZE_WORKER_PATH);
  return places->worker ? NULL : adze_error_memory ();
}

static adze_error *
find_cache (adze_places *places, const adze_runtime_options *options)
{
  if (!options->cache)
    return user_place ("XDG_CACHE_HOME", ".cache", "adze/registry", &places->cache);
  places->cache = adze_text_format ("%s/registry", options->cache);
  return places->cache ? NULL : adze_error_memory ();
}

adze_error *
adze_places_find (const adze_runtime_options *options, adze_places *places)
{
  ADZE_AUTO_FREE char *build = NULL;
  ADZE_TRY (find_build (&build));
  ADZE_TRY (read_configuration (places, options));
  ADZE_TRY (add_all_folders (places, options, build));
  ADZE_TRY (find_worker (places, options, build));
  return find_cache (places, options);
}

void
adze_places_cleanup (adze_places *places)
{
  for (size_t i = 0; i < places->folder_count; i++)
    free (places->folders[i].path);
  free (places->folders);
  adze_names_free (places->trusted, places->trusted_count);
  adze_names_free (places->keys, places->key_count);
  free (places->worker);
  free (places->cache);
  *places = (adze_places){ 0 };
}
