/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/stands.c: whether the files of a model are what they were when it was opened. */
#include "artifact/model.h"

adze_error *
adze_model_changed (const char *path)
{
  adze_error *error = adze_error_new (ADZE_E_IO, "%s changed while it was read", path);
  adze_error_set (error, "file", path);
  adze_error_set (error, "hint",
                  "run it again once nobody writes to it; what was made of it belongs to no "
                  "version of the file and is not kept");
  return error;
}

/* By its descriptor, so that one that was given another name is found all the same. */
static adze_error *
check_file (const adze_model_file *file, bool *touched)
{
  struct stat status;
  if ((file->fd >= 0 ? fstat (file->fd, &status) : stat (file->path, &status)) != 0)
    return adze_error_errno ("cannot look at %s", file->path);
  adze_file_identity now = adze_file_identity_of (&status);
  bool other = now.ctime_ns != file->identity.ctime_ns;
  if (now.size != file->identity.size || now.mtime_ns != file->identity.mtime_ns
      || (other && !touched))
    return adze_model_changed (file->path);
  if (touched)
    *touched = *touched || other;
  return NULL;
}

adze_error *
adze_model_stands (const adze_model *model, bool *touched)
{
  for (size_t i = 0; i < model->file_count; i++)
    ADZE_TRY (check_file (&model->files[i], touched));
  return NULL;
}
