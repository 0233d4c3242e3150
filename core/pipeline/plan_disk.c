/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_disk.c: the room that a plan takes on disk, and whether there is so much.
 *
 * What an output replaces is not counted as free: both files are there until the new one is whole. What
 * an earlier try has left, parts of outputs and results that are kept, has its room already. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "artifact/columns.h"
#include "pipeline/plan.h"

/* ---- What there is. */

/* PATH, or the nearest folder above it that is there. */
static adze_error *
folder_above (const char *path, char **folder, struct stat *status)
{
  ADZE_AUTO_FREE char *name = strdup (path);
  if (!name)
    return adze_error_memory ();
  for (size_t size = strlen (name); size > 1 && name[size - 1] == '/'; size--)
    name[size - 1] = '\0';
  while (stat (name, status) != 0 || !S_ISDIR (status->st_mode)) {
    char *slash = strrchr (name, '/');
    if (!slash)
      return adze_error_new (ADZE_E_NOT_FOUND, "there is no folder above %s", path);
    slash[slash == name] = '\0';
    if (slash == name && stat (name, status) != 0)
      return adze_error_errno ("cannot look at %s", name);
  }
  *folder = adze_take (&name);
  return NULL;
}

/* Bytes that the files of FOLDER take whose names begin and end so. */
static uint64_t
taken_by (const char *folder, const char *begin, const char *end)
{
  uint64_t bytes = 0;
  const struct dirent *entry;
  DIR *list = opendir (folder);
  size_t first = strlen (begin), last = strlen (end);
  while (list && (entry = readdir (list))) {
    struct stat status;
    size_t size = strlen (entry->d_name);
    if (size >= first + last && strncmp (entry->d_name, begin, first) == 0
        && strcmp (entry->d_name + size - last, end) == 0
        && fstatat (dirfd (list), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
      bytes += (uint64_t)status.st_blocks * 512;
  }
  if (list)
    closedir (list);
  return bytes;
}

static uint64_t
less (uint64_t bytes, uint64_t taken)
{
  return bytes > taken ? bytes - taken : 0;
}

/* ---- File systems. */

static adze_error *
disk_of (adze_plan_disks *disks, const char *path, adze_plan_disk **disk)
{
  ADZE_AUTO_FREE char *folder = NULL;
  struct stat status;
  struct statvfs room;
  ADZE_TRY (folder_above (path, &folder, &status));
  for (size_t i = 0; i < disks->count; i++)
    if (disks->disks[i].device == status.st_dev) {
      *disk = &disks->disks[i];
      return NULL;
    }
  if (statvfs (folder, &room) != 0)
    return adze_error_errno ("cannot ask how much room there is in %s", folder);
  adze_plan_disk *more = reallocarray (disks->disks, disks->count + 1, sizeof *more);
  if (!more)
    return adze_error_memory ();
  disks->disks = more;
  *disk = &more[disks->count++];
  **disk = (adze_plan_disk){ .folder = adze_take (&folder),
                             .device = status.st_dev,
                             .free = (uint64_t)room.f_bavail * room.f_frsize };
  return NULL;
}

void
adze_plan_disks_cleanup (adze_plan_disks *disks)
{
  for (size_t i = 0; i < disks->count; i++)
    free (disks->disks[i].folder);
  free (disks->disks);
  *disks = (adze_plan_disks){ 0 };
}

/* ---- What is needed. */

static adze_error *
add_output (const adze_plan *plan, size_t number, adze_plan_disks *disks)
{
  const adze_plan_output *output = &plan->outputs[number];
  const char *path = plan->pipeline->outputs[number].path, *base = strrchr (path, '/') + 1;
  adze_plan_disk *disk;
  ADZE_AUTO_FREE char *part = adze_text_format (".%s.", base);
  ADZE_AUTO_FREE char *folder = strndup (path, (size_t)(base - path));
  if (!part || !folder)
    return adze_error_memory ();
  ADZE_TRY (disk_of (disks, folder, &disk));
  uint64_t bytes = less (output->bytes, taken_by (folder, part, ".part"));
  disk->outputs += bytes;
  disk->bounds += output->bounded ? bytes : 0;
  disk->unknown += output->bytes == 0;
  disk->output = number;
  return NULL;
}

static adze_error *
add_kept (const adze_plan_model *model, const char *runs, uint64_t *taken, adze_plan_disks *disks)
{
  adze_plan_disk *disk;
  uint64_t bytes = 0;
  ADZE_TRY (disk_of (disks, runs, &disk));
  for (size_t i = 0; model->known && i < model->view.count; i++)
    bytes += model->view.tensors[i].meta.byte_size;
  uint64_t needed = less (bytes, *taken);
  *taken = less (*taken, bytes);
  disk->kept += needed;
  disk->bounds += model->at_most ? needed : 0;
  disk->unknown += !model->known;
  return NULL;
}

static adze_error *
add_sums (const adze_plan_segment *segment, const char *runs, adze_plan_disks *disks)
{
  adze_plan_disk *disk;
  if (segment->sums == 0)
    return NULL;
  ADZE_TRY (disk_of (disks, runs, &disk));
  disk->sums += segment->sums;
  return NULL;
}

static bool
is_written_before (const adze_plan *plan, size_t output, size_t segment)
{
  for (size_t i = 0; i < segment; i++)
    if (plan->segments[i].output == output)
      return true;
  return false;
}

adze_error *
adze_plan_disks_of (const adze_plan *plan, const char *runs, size_t first, adze_plan_disks *disks)
{
  ADZE_AUTO_FREE char *own = adze_text_format ("%s/adze-runs", plan->pipeline->folder);
  const char *folder = runs ? runs : own;
  ADZE_AUTO_FREE char *results = folder ? adze_text_format ("%s/results", folder) : NULL;
  if (!own || !results)
    return adze_error_memory ();
  uint64_t taken = taken_by (results, "", ".data") + taken_by (results, "", ".data.part");
  for (size_t i = 0; i < plan->pipeline->output_count; i++)
    if (!is_written_before (plan, i, first))
      ADZE_TRY (add_output (plan, i, disks));
  for (size_t i = first; i < plan->segment_count; i++) {
    if (plan->segments[i].result && plan->segments[i].output == SIZE_MAX)
      ADZE_TRY (add_kept (plan->segments[i].result, folder, &taken, disks));
    ADZE_TRY (add_sums (&plan->segments[i], folder, disks));
  }
  return NULL;
}

/* ---- Is it enough? */

static adze_error *
too_full (const adze_plan *plan, const adze_plan_disk *disk)
{
  char needed[ADZE_GROUPED_TEXT], there[ADZE_GROUPED_TEXT];
  const adze_value *at = NULL;
  adze_bytes_text (disk->outputs + disk->kept + disk->sums, needed);
  adze_bytes_text (disk->free, there);
  if (disk->outputs > 0)
    at = adze_value_get (plan->pipeline->outputs[disk->output].table, "path");
  adze_error *error = adze_document_error (&plan->pipeline->document, at,
                                           "%s of disk are needed, and %s are free where %s is",
                                           needed, there, disk->folder);
  adze_error_setf (error, "needed", "%s", needed);
  adze_error_setf (error, "found", "%s", there);
  adze_error_set (error, "hint",
                  disk->kept > 0 ? "make room (`adze runs clean` removes results that no run "
                                   "needs), or write to another disk"
                                 : "make room, or write to another disk");
  return error;
}

adze_error *
adze_plan_check_disks (const adze_plan *plan, const adze_plan_disks *disks)
{
  for (size_t i = 0; i < disks->count; i++) {
    const adze_plan_disk *disk = &disks->disks[i];
    uint64_t most = disk->outputs + disk->kept + disk->sums;
    if (most <= disk->free)
      continue;
    ADZE_AUTO_ERROR error = too_full (plan, disk);
    if (most - disk->bounds - disk->sums > disk->free)
      return adze_take (&error);
    adze_event_bus_log (plan->runtime->bus, NULL, ADZE_LOG_WARNING, "%s, if it takes as much as "
                        "it can at most", adze_error_message (error));
  }
  return NULL;
}
