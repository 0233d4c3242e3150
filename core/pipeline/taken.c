/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/taken.c: paths that nothing must be written to: compared without links, "." and "..",
 * and, where there are files, by device and inode. */
#include "pipeline/taken.h"

#include <string.h>

#include "base/file.h"

void
adze_taken_cleanup (adze_taken *taken)
{
  for (size_t i = 0; i < taken->count; i++) {
    free (taken->paths[i].settled);
    free (taken->paths[i].why);
  }
  free (taken->paths);
  *taken = (adze_taken){ 0 };
}

static adze_error *
look (const char *path, adze_taken_path *found)
{
  struct stat status;
  ADZE_TRY (adze_path_settle (path, &found->settled));
  found->there = stat (path, &status) == 0;
  found->device = found->there ? (uint64_t)status.st_dev : 0;
  found->inode = found->there ? (uint64_t)status.st_ino : 0;
  return NULL;
}

/* Takes over what is in FOUND. */
static adze_error *
add (adze_taken *taken, adze_taken_path found)
{
  adze_taken_path *grown = NULL;
  size_t count = taken->count;
  bool full = (count & (count - 1)) == 0;
  if (found.why)
    grown = full ? reallocarray (taken->paths, count ? count * 2 : 1, sizeof *grown) : taken->paths;
  if (!grown) {
    free (found.settled);
    free (found.why);
    return adze_error_memory ();
  }
  taken->paths = grown;
  grown[taken->count++] = found;
  return NULL;
}

/* WHY, taken over; NULL: no memory. */
static adze_error *
take (adze_taken *taken, const char *path, bool folder, char *why)
{
  adze_taken_path found = { .folder = folder, .why = why };
  adze_error *error = why ? look (path, &found) : NULL;
  if (!error)
    return add (taken, found);
  free (why);
  return error;
}

static adze_error *
take_input (adze_taken *taken, const adze_pipeline_input *input)
{
  if (!input->path)
    return NULL;
  return take (taken, input->path, false,
               adze_text_format ("this would be written over [%s%s], which is read from the same "
                                 "file; name another one",
                                 strcmp (input->name, "model") == 0 ? "" : "input.", input->name));
}

static adze_error *
take_plugin (adze_taken *taken, const adze_plugin_record *record)
{
  if (record->builtin || !record->path)
    return NULL;
  return take (taken, record->path, false,
               strdup ("this would be written over a plugin of adze; name another file"));
}

static adze_error *
take_own (adze_taken *taken, const adze_pipeline *pipeline)
{
  ADZE_AUTO_FREE char *lock = adze_text_format ("%s/adze.lock", pipeline->folder);
  ADZE_AUTO_FREE char *runs = adze_text_format ("%s/adze-runs", pipeline->folder);
  if (!lock || !runs)
    return adze_error_memory ();
  ADZE_TRY (take (taken, pipeline->document.path, false,
                  strdup ("this would be written over the pipeline itself; name another file")));
  ADZE_TRY (take (taken, lock, false,
                  strdup ("adze.lock is where adze keeps which plugins this pipeline was run "
                          "with; name another file")));
  return take (taken, runs, true,
               strdup ("adze-runs is the folder in which adze keeps runs; name a file elsewhere"));
}

adze_error *
adze_taken_begin (adze_taken *taken, const adze_pipeline *pipeline)
{
  for (size_t i = 0; i < pipeline->input_count; i++)
    ADZE_TRY (take_input (taken, &pipeline->inputs[i]));
  for (size_t i = 0; i < pipeline->file_count; i++)
    ADZE_TRY (take (taken, pipeline->files[i], false,
                    strdup ("this would be written over a file that the pipeline reads; name "
                            "another one")));
  for (size_t i = 0; i < pipeline->runtime->record_count; i++)
    ADZE_TRY (take_plugin (taken, pipeline->runtime->records[i]));
  return take_own (taken, pipeline);
}

static bool
is_taken (const adze_taken_path *taken, const adze_taken_path *asked)
{
  size_t size = strlen (taken->settled);
  if (taken->there && asked->there && taken->device == asked->device
      && taken->inode == asked->inode)
    return true;
  return strncmp (taken->settled, asked->settled, size) == 0
         && (asked->settled[size] == '\0' || (taken->folder && asked->settled[size] == '/'));
}

adze_error *
adze_taken_ask (adze_taken *taken, const char *path, const char *own, const char **why)
{
  adze_taken_path asked = { 0 };
  *why = NULL;
  ADZE_TRY (look (path, &asked));
  for (size_t i = 0; !*why && i < taken->count; i++)
    if (is_taken (&taken->paths[i], &asked))
      *why = taken->paths[i].why;
  if (*why) {
    free (asked.settled);
    return NULL;
  }
  asked.why = strdup (own);
  return add (taken, asked);
}
