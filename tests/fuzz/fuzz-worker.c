/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message between host and worker: as a tensor's description, an error, an event and
 * a manifest. What is taken is sound; what is not is refused. */
#include <stdio.h>
#include <string.h>

#include "base/error_wire.h"
#include "base/event_wire.h"
#include "base/json.h"
#include "plugin/manifest/manifest.h"
#include "stage/outline.h"
#include "stage/wire.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
insist (bool truth, const char *what)
{
  if (truth)
    return;
  fprintf (stderr, "not so: %s\n", what);
  abort ();
}

/* All that a plugin may rely on. */
static void
sound (const adze_tensor *tensor)
{
  const adze_view *view = &tensor->view;
  size_t count = 1;
  insist (view->rank >= 0 && view->rank <= 32, "the rank is possible");
  for (int32_t i = 0; i < view->rank; i++) {
    insist (view->shape[i] >= 0, "no dimension is negative");
    insist (!__builtin_mul_overflow (count, view->shape[i] ? (size_t)view->shape[i] : 1, &count),
            "the product of the dimensions fits");
    insist (!tensor->block_shape || tensor->block_shape[i] > 0, "a block has elements");
  }
  for (uint64_t i = 0; i < tensor->byte_size; i++)
    insist (((const unsigned char *)view->data)[i] == 0, "there is room, and it is zeroed");
}

static void
as_tensor (const adze_value *root)
{
  const adze_value *bytes = adze_value_get (root, "bytes");
  adze_arrival arrival = { 0 };
  /* A fuzzer has no gigabytes to spare for what a size claims. */
  if (bytes && bytes->integer > 1 << 20)
    return;
  ADZE_AUTO_ERROR error = adze_wire_arrive (root, &arrival);
  insist (!error == (arrival.tensor.struct_size > 0), "a tensor or an error");
  if (error)
    return;
  ADZE_AUTO_ERROR lacks = adze_wire_allocate (&arrival);
  insist (!lacks, "there is memory");
  sound (&arrival.tensor);
  const void *at = NULL;
  ADZE_AUTO_FREE void *owned = NULL;
  ADZE_AUTO_VALUE again = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_ERROR compact = adze_wire_compact (&arrival.tensor, &at, &owned);
  insist (!compact && at == arrival.tensor.view.data, "what came is compact");
  adze_wire_describe (&arrival.tensor, again);
  insist (!adze_json_failed (again), "what came can be sent on");
  adze_arrival other = { 0 };
  ADZE_AUTO_ERROR differs = adze_wire_arrive (again, &other);
  insist (!differs && other.tensor.byte_size == arrival.tensor.byte_size, "and arrives the same");
  adze_arrival_cleanup (&other);
  adze_arrival_cleanup (&arrival);
}

/* A worker's answer to describe, about two tensors. */
static void
as_answer (const adze_value *root)
{
  const int64_t shape[] = { 4, 8 };
  const adze_tensor_meta metas[] = {
    { .struct_size = sizeof metas[0], .rank = 2, .name = "a", .shape = shape,
      .dtype = { ADZE_FLOAT, 32, 1 }, .byte_size = 128 },
    { .struct_size = sizeof metas[0], .rank = 1, .name = "b", .shape = shape,
      .dtype = { ADZE_FLOAT, 16, 1 }, .byte_size = 8 },
  };
  const adze_outline_tensor tensors[] = { { .meta = &metas[0] }, { .meta = &metas[1] } };
  const adze_outline_port port = { tensors, 2 };
  for (uint32_t grain = ADZE_GRAIN_TENSOR; grain <= ADZE_GRAIN_ELEMENT; grain++) {
    adze_outline outline
        = { .ports = &port, .port_count = 1, .effect = ADZE_CHANGES, .grain = grain };
    ADZE_AUTO_ERROR error = adze_outline_answer_from (&outline, root);
    ADZE_AUTO_VALUE again = adze_value_new (ADZE_VALUE_TABLE);
    adze_outline_answer_value (&outline, again);
    insist (!adze_json_failed (again), "an answer can be sent on");
    if (!error) {
      adze_outline other = outline;
      other.groups = NULL;
      other.edits = NULL;
      other.traits = NULL;
      other.taken = NULL;
      other.group_count = other.edit_count = other.trait_count = 0;
      ADZE_AUTO_ERROR differs = adze_outline_answer_from (&other, again);
      insist (!differs && other.group_count == outline.group_count, "and arrives the same");
      adze_outline_clear (&other);
    }
    adze_outline_clear (&outline);
  }
}

/* The question, and parameters. */
static void
as_question (const adze_value *root)
{
  adze_outline_copy copy;
  adze_params *params = NULL;
  ADZE_AUTO_ERROR error = adze_outline_inputs_from (root, &copy);
  if (!error)
    adze_outline_copy_cleanup (&copy);
  ADZE_AUTO_ERROR refused = adze_wire_params_from (adze_value_get (root, "params"), &params);
  insist (!refused == !!params, "parameters or a refusal");
  adze_params_free (params);
}

static void
as_event (const adze_value *root)
{
  adze_event event;
  ADZE_AUTO_FREE adze_field *fields = NULL;
  ADZE_AUTO_ERROR error = adze_event_from_value (root, &event, &fields);
  if (error)
    return;
  insist (event.id != NULL, "an event has an id");
  ADZE_AUTO_VALUE again = adze_value_new (ADZE_VALUE_TABLE);
  adze_event_to_value (&event, again);
  insist (!adze_json_failed (again), "an event can be sent on");
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_MANIFEST manifest = NULL;
  ADZE_AUTO_ERROR parsed = adze_json_parse ("<fuzz>", (const char *)data, size, &document);
  if (parsed)
    return 0;
  as_tensor (document.root);
  as_answer (document.root);
  as_question (document.root);
  as_event (document.root);
  ADZE_AUTO_ERROR said = adze_error_from_value (document.root);
  ADZE_AUTO_FREE char *text = adze_error_text (said);
  insist (said && text, "an error, whatever it was made of");
  ADZE_AUTO_ERROR refused = adze_manifest_from_value (&document, document.root, &manifest);
  insist (!refused == !!manifest, "a manifest or a refusal");
  return 0;
}
