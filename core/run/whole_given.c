/* SPDX-License-Identifier: Apache-2.0 */
/* run/whole_given.c: the model that a stage with run gives, as it comes: its tensors to a file, one after
 * the other, its parts to memory. */
#include <string.h>

#include "run/execution.h"

void
adze_whole_given_cleanup (adze_whole_given *given)
{
  adze_model_close (given->model);
  if (given->fd >= 0)
    close (given->fd);
  free (given->path);
  *given = (adze_whole_given){ .fd = -1 };
}

adze_error *
adze_whole_port (const adze_plan_stage *planned, const char *port, bool model)
{
  size_t count;
  const adze_port *ports = adze_manifest_ports (planned->stage->component, &count);
  for (size_t i = 0; i < count; i++)
    if (ports[i].direction == ADZE_PORT_OUT && strcmp (ports[i].name, port) == 0
        && (strcmp (ports[i].type, ADZE_TYPE_MODEL) == 0) == model)
      return NULL;
  return adze_error_new (ADZE_E_CONTRACT, "'%s' has no out-port '%s' for %s", planned->stage->use,
                         port, model ? "a model" : "bytes");
}

adze_error *
adze_whole_given_tensor (adze_whole_given *given, const adze_tensor_meta *meta, const void *data)
{
  enum { ALIGNMENT = 64 };
  adze_model_tensor *added;
  ADZE_TRY (adze_model_add (given->model, meta, &added));
  added->file = 0;
  added->offset = given->end;
  uint64_t size = added->meta.byte_size;
  given->end += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return size ? adze_write_at (given->fd, given->path, added->offset, data, size) : NULL;
}
