/* SPDX-License-Identifier: Apache-2.0 */
/* The case about what still runs once a plugin has ended. */
#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/file.h"
#include "kit/kit.h"

/* 0 when PROCESS has gone meanwhile. */
static pid_t
parent_of (const char *process)
{
  char path[64], line[512];
  snprintf (path, sizeof path, "/proc/%.20s/stat", process);
  FILE *file = fopen (path, "re");
  if (!file)
    return 0;
  bool read = fgets (line, sizeof line, file) != NULL;
  fclose (file);
  /* NUMBER (NAME) STATE PARENT; a name may have parentheses and blanks in it. */
  const char *name_end = read ? strrchr (line, ')') : NULL;
  int parent = 0;
  if (!name_end || sscanf (name_end, ") %*c %d", &parent) != 1)
    return 0;
  return parent;
}

/* Those that have ended and were not waited for are among them. */
static adze_error *
count_children (bool kill_them, size_t *count)
{
  DIR *folder = opendir ("/proc");
  *count = 0;
  if (!folder)
    return adze_error_errno ("cannot read /proc");
  for (struct dirent *entry; (entry = readdir (folder));)
    if (isdigit ((unsigned char)entry->d_name[0]) && parent_of (entry->d_name) == getpid ()) {
      *count += 1;
      if (kill_them)
        kill ((pid_t)atoi (entry->d_name), SIGKILL);
    }
  closedir (folder);
  return NULL;
}

/* What a child had started becomes ours once the child is dead, so this goes on until none is left. */
static void
end_children (void)
{
  size_t count = 1;
  while (count > 0) {
    adze_error *error = count_children (true, &count);
    if (error) {
      adze_error_free (error);
      return;
    }
    for (size_t i = 0; i < count; i++)
      waitpid (-1, NULL, 0);
  }
}

static adze_error *
count_threads (size_t *count)
{
  DIR *folder = opendir ("/proc/self/task");
  *count = 0;
  if (!folder)
    return adze_error_errno ("cannot read /proc/self/task");
  for (struct dirent *entry; (entry = readdir (folder));)
    *count += entry->d_name[0] != '.';
  closedir (folder);
  return NULL;
}

/* A thread that was joined can be seen for a moment longer, and one that nobody joins may be on its
 * way out. */
static adze_error *
settled_threads (size_t least, size_t *count)
{
  enum { MOMENTS = 100, MOMENT_MS = 10 };
  ADZE_TRY (count_threads (count));
  for (int i = 0; i < MOMENTS && *count > least; i++) {
    poll (NULL, 0, MOMENT_MS);
    ADZE_TRY (count_threads (count));
  }
  return NULL;
}

static adze_error *
look_for_children (void)
{
  size_t count;
  ADZE_TRY (count_children (false, &count));
  if (count == 0)
    return NULL;
  end_children ();
  return adze_error_new (ADZE_E_CONTRACT,
                         "once it had ended, %zu process%s of it still ran or had not been waited "
                         "for; end and wait for each process that it starts, in destroy or deinit "
                         "at the latest",
                         count, count == 1 ? "" : "es");
}

static adze_error *
look_for_threads (size_t before)
{
  size_t count;
  ADZE_TRY (settled_threads (before, &count));
  if (count <= before)
    return NULL;
  return adze_error_new (ADZE_E_CONTRACT,
                         "once it had ended, %zu thread%s of it still ran; stop and join each "
                         "thread that it or its library starts, in destroy or deinit at the "
                         "latest, or leave the work to adze/parallel.h",
                         count - before, count - before == 1 ? "" : "s");
}

/* A host of which nothing is asked, so that what it, or a sanitizer, starts once and keeps is there
 * before anything is counted. */
static adze_error *
empty_life (const adze_case *one)
{
  adze_runtime *runtime = NULL;
  ADZE_TRY (adze_runtime_open_worker (&adze_profile_everyday, one->seed, &runtime));
  adze_runtime_close (runtime);
  return NULL;
}

adze_error *
adze_case_leftovers (adze_case *one)
{
  size_t threads;
  /* A process whose parent has ended becomes ours, whatever session it has moved to. */
  if (prctl (PR_SET_CHILD_SUBREAPER, 1) != 0)
    return adze_error_errno ("cannot ask for the processes that others leave behind");
  ADZE_TRY (count_threads (&threads));
  ADZE_TRY (empty_life (one));
  ADZE_TRY (settled_threads (threads, &threads));
  ADZE_TRY (adze_case_life (one, &adze_case_watching, NULL));
  ADZE_TRY (look_for_children ());
  return look_for_threads (threads);
}
