/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/guard.c: no file is written over one that is read, or that is another output's. Files are
 * known by device and inode, whatever leads to them, and names that are yet to come by their folder's. */
#include "artifact/guard.h"

#include <errno.h>
#include <string.h>

void
adze_guard_cleanup (adze_guard *guard)
{
  for (size_t i = 0; i < guard->count; i++) {
    free (guard->entries[i].name);
    free (guard->entries[i].owner);
  }
  free (guard->entries);
  *guard = (adze_guard){ 0 };
}

/* NAME may be NULL. */
static adze_error *
add (adze_guard *guard, uint64_t device, uint64_t inode, const char *name, const char *owner)
{
  if ((guard->count & (guard->count - 1)) == 0) {
    size_t room = guard->count ? guard->count * 2 : 1;
    adze_guarded *grown = reallocarray (guard->entries, room, sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    guard->entries = grown;
  }
  adze_guarded *entry = &guard->entries[guard->count++];
  *entry = (adze_guarded){ device, inode, name ? strdup (name) : NULL, strdup (owner) };
  return entry->owner && (entry->name || !name) ? NULL : adze_error_memory ();
}

adze_error *
adze_guard_add (adze_guard *guard, const char *path, const char *owner)
{
  struct stat status;
  if (stat (path, &status) != 0)
    return NULL;
  return add (guard, (uint64_t)status.st_dev, (uint64_t)status.st_ino, NULL, owner);
}

adze_error *
adze_guard_add_model (adze_guard *guard, const adze_model *model, const char *owner)
{
  for (size_t i = 0; i < model->file_count; i++)
    ADZE_TRY (add (guard, model->files[i].identity.device, model->files[i].identity.inode, NULL,
                   owner));
  return NULL;
}

static adze_error *
refuse (const char *path, const char *owner, const adze_guarded *entry)
{
  adze_error *error
      = entry->name ? adze_error_new (ADZE_E_DUPLICATE, "%s would be written for %s and for %s",
                                      path, entry->owner, owner)
                    : adze_error_new (ADZE_E_DUPLICATE,
                                      "%s would be written over a file that is read: %s", path,
                                      entry->owner);
  adze_error_set (error, "file", path);
  adze_error_set (error, "hint", "give what is written another name or folder");
  return error;
}

/* Of the folder that PATH lies in; false: there is none. */
static bool
look_at_folder (const char *path, struct stat *status, adze_error **error)
{
  size_t length = (size_t)(adze_path_base (path) - path);
  ADZE_AUTO_FREE char *folder = length ? strndup (path, length) : strdup (".");
  *error = folder ? NULL : adze_error_memory ();
  return folder && stat (folder, status) == 0;
}

adze_error *
adze_guard_check (const adze_guard *guard, const char *path, const char *owner)
{
  struct stat file, folder;
  adze_error *error;
  bool there = stat (path, &file) == 0;
  bool placed = look_at_folder (path, &folder, &error);
  if (error)
    return error;
  for (size_t i = 0; i < guard->count; i++) {
    const adze_guarded *entry = &guard->entries[i];
    const struct stat *status = entry->name ? &folder : &file;
    if ((entry->name ? placed : there) && entry->device == (uint64_t)status->st_dev
        && entry->inode == (uint64_t)status->st_ino
        && (!entry->name || strcmp (entry->name, adze_path_base (path)) == 0)
        && strcmp (entry->owner, owner) != 0)
      return refuse (path, owner, entry);
  }
  return NULL;
}

adze_error *
adze_guard_claim (adze_guard *guard, const char *path, const char *owner)
{
  struct stat folder;
  adze_error *error;
  ADZE_TRY (adze_guard_check (guard, path, owner));
  if (!look_at_folder (path, &folder, &error))
    return error;
  return add (guard, (uint64_t)folder.st_dev, (uint64_t)folder.st_ino, adze_path_base (path),
              owner);
}
