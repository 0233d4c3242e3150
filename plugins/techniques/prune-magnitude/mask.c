/* SPDX-License-Identifier: Apache-2.0 */
/* prune-mask: which weights of a sparse model are there, as a model of its own: a bool for each number of its
 * floating-point tensors. Written as an output beside the model, it is the mask as a file. */
#include "prune.h"

static adze_status
drop (const adze_host *host, adze_outline *outline, adze_pick pick)
{
  const adze_group group = { .struct_size = sizeof group,
                             .input_count = 1,
                             .inputs = &pick,
                             .meta_size = sizeof (adze_tensor_meta),
                             .note = "dropped: no floats" };
  return adze_outline_of (host)->group (host, outline, &group);
}

static adze_status
describe_masks (const adze_host *host, void *instance, adze_outline *outline)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_left_tally left = { 0 };
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < service->count (host, outline, 0); i++) {
    adze_pick pick = { 0, i };
    const adze_tensor_meta *meta = service->tensor (host, outline, pick);
    bool is_float = !meta->codec && adze_dtype_is_float (meta->dtype);
    adze_left_see (&left, meta);
    if (!is_float && adze_left_is_float (meta))
      adze_left_add (&left, meta);
    status = is_float ? adze_outline_retype (host, outline, pick, (adze_dtype){ ADZE_BOOL, 8, 1 }, "mask")
                      : drop (host, outline, pick);
  }
  adze_left_tell (host, &left, (adze_left_tally *)instance, "not masked");
  return status;
}

/* Zero of either sign is none. */
static adze_status
apply_mask (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const adze_dtype dtype = input->view.dtype;
  const char *in = (const char *)adze_view_data (&input->view);
  size_t size = dtype.bits / 8, count = adze_view_count (&input->view);
  uint64_t digits = UINT64_MAX >> (65 - dtype.bits);
  adze_view out;
  (void)instance;
  adze_status status = adze_call_of (host)->output_at (host, call, 0, &out);
  if (status != ADZE_OK)
    return status;
  unsigned char *kept = (unsigned char *)adze_view_data (&out);
  for (size_t i = 0; i < count; i++) {
    uint64_t bits = 0;
    memcpy (&bits, in + i * size, size);
    kept[i] = (bits & digits) != 0;
  }
  return ADZE_OK;
}

/* Of values that are equal the masks are equal. */
static const char *const preserved[]
    = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK, NULL };
static const char *const broken[] = { ADZE_TRAIT_FROZEN, NULL };

static const adze_technique mask_callbacks = {
  .struct_size = sizeof mask_callbacks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .preserves = preserved,
  .breaks = broken,
  .create = adze_left_create,
  .destroy = adze_left_destroy,
  .describe = describe_masks,
  .apply = apply_mask,
};

const adze_component prune_mask_component = {
  .struct_size = sizeof prune_mask_component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "prune-mask",
  .summary = "Makes a model of masks out of a sparse one",
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &mask_callbacks,
};
