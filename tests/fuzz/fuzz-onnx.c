/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an ONNX model: a refusal with a reason, or a model that is written and read again
 * with the same content, and written a second time as the same bytes. Where all weights are read
 * from their place and there is no metadata, it is written as the bytes that it came from. */
#include "../unit/onnx-plugin.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
insist (bool holds)
{
  if (!holds)
    abort ();
}

static void
insist_same (const adze_catalog *one, const adze_catalog *other)
{
  insist (one->tensor_count == other->tensor_count && one->text_count == other->text_count);
  for (size_t i = 0; i < one->tensor_count; i++) {
    const held_tensor *a = &one->tensors[i], *b = &other->tensors[i];
    insist (strcmp (a->name, b->name) == 0 && a->meta.byte_size == b->meta.byte_size);
    insist (memcmp (&a->meta.dtype, &b->meta.dtype, sizeof a->meta.dtype) == 0);
    insist (memcmp (a->data, b->data, a->meta.byte_size) == 0);
  }
  for (size_t i = 0; i < one->text_count; i++)
    insist (one->texts[i].key_size == other->texts[i].key_size
            && one->texts[i].meta.text.size == other->texts[i].meta.text.size);
}

/* Writes what was read, reads that, and writes it again. */
static void
there_and_back (const adze_catalog *first, const char *external)
{
  adze_layout written, again;
  adze_catalog second;
  adze_file before = own.beside;
  if (write_into (first, external, &written) == ADZE_OK) {
    own.beside = written.files[1];
    insist (read_into (&written.files[0], &second) == ADZE_OK);
    insist_same (first, &second);
    insist (write_into (&second, external, &again) == ADZE_OK);
    insist (written.files[0].size == again.files[0].size);
    insist (memcmp (written.files[0].data, again.files[0].data, again.files[0].size) == 0);
    catalog_cleanup (&second);
    layout_cleanup (&again);
  } else
    insist (own.reason[0]);
  own.beside = before;
  layout_cleanup (&written);
}

static void
insist_untouched (const adze_catalog *catalog, const adze_file *file)
{
  adze_layout written;
  insist (write_into (catalog, "keep", &written) == ADZE_OK);
  insist (written.files[0].size == file->size);
  insist (memcmp (written.files[0].data, file->data, file->size) == 0);
  layout_cleanup (&written);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static uint8_t outside[8192];
  adze_file file = { (uint8_t *)data, size };
  adze_catalog catalog;
  own.beside = (adze_file){ outside, sizeof outside };
  int sure = recognise ("x", data, size < 4096 ? size : 4096);
  insist (sure == 0 || sure == 2);
  if (read_into (&file, &catalog) == ADZE_OK) {
    if (catalog.text_count == 0 && catalog.in_place == catalog.tensor_count)
      insist_untouched (&catalog, &file);
    there_and_back (&catalog, "keep");
    there_and_back (&catalog, "always");
    there_and_back (&catalog, "never");
  } else
    insist (own.reason[0]);
  catalog_cleanup (&catalog);
  insist (own.live == 0);
  return 0;
}
