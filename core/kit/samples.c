/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins are fed by the kit: tensors of many types and shapes, and parameters drawn from
 * their tables. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <adze/check.h>
#include <adze/random.h>

#include "base/json.h"
#include "base/random.h"
#include "kit/kit.h"
#include "plugin/manifest/params.h"
#include "stage/piece.h"

/* ---- Tensors. */

static const struct {
  const char *what;
  adze_dtype dtype;
  int32_t rank;
  int64_t shape[4];
  bool transposed; /* strides that are not compact */
  bool special;    /* NaN, infinities, zeros of both signs, subnormals */
} samples[ADZE_SAMPLE_COUNT] = {
  { "a float32 scalar", { ADZE_FLOAT, 32, 1 }, 0, { 0 }, false, false },
  { "one float32", { ADZE_FLOAT, 32, 1 }, 1, { 1 }, false, false },
  { "7 float32", { ADZE_FLOAT, 32, 1 }, 1, { 7 }, false, false },
  { "3x5 float32", { ADZE_FLOAT, 32, 1 }, 2, { 3, 5 }, false, false },
  { "no float32 at all", { ADZE_FLOAT, 32, 1 }, 2, { 0, 4 }, false, false },
  { "3x5 float32 with strides", { ADZE_FLOAT, 32, 1 }, 2, { 3, 5 }, true, false },
  { "float32 with NaN and infinities", { ADZE_FLOAT, 32, 1 }, 1, { 16 }, false, true },
  { "2x3x4x5 float32", { ADZE_FLOAT, 32, 1 }, 4, { 2, 3, 4, 5 }, false, false },
  { "6 float64", { ADZE_FLOAT, 64, 1 }, 1, { 6 }, false, false },
  { "9 int8", { ADZE_INT, 8, 1 }, 1, { 9 }, false, false },
  { "5 float16", { ADZE_FLOAT, 16, 1 }, 1, { 5 }, false, false },
  { "5 bfloat16", { ADZE_BFLOAT, 16, 1 }, 1, { 5 }, false, false },
  { "2x2 int64", { ADZE_INT, 64, 1 }, 2, { 2, 2 }, false, false },
  { "10007 float32", { ADZE_FLOAT, 32, 1 }, 1, { 10007 }, false, false },
};

const size_t adze_model_samples[ADZE_MODEL_SAMPLES] = { 2, 3, 1, 7, 6 };

static void
fill_float (float *to, size_t count, uint64_t key)
{
  for (size_t i = 0; i < count; i++) {
    uint64_t bits;
    adze_random_values (key, i, &bits, 1);
    to[i] = (float)(adze_random_unit (bits) * 4 - 2);
  }
}

static void
fill_special (float *to, size_t count)
{
  static const float values[]
      = { NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-42f, -1e-42f, 3.4028235e38f };
  for (size_t i = 0; i < count; i++)
    to[i] = values[i % ADZE_COUNT_OF (values)];
}

/* Any bytes will do for what is no float32. */
static void
fill_bytes (unsigned char *to, size_t size, uint64_t key)
{
  for (size_t i = 0; i < size; i++) {
    uint64_t bits;
    adze_random_values (key, i, &bits, 1);
    to[i] = (unsigned char)bits;
  }
}

/* The last dimension in memory becomes the slowest. */
static void
transpose (adze_sample *sample)
{
  int64_t step = 1;
  for (int32_t i = 0; i < sample->tensor.view.rank; i++) {
    sample->strides[i] = step;
    step *= sample->shape[i];
  }
  sample->tensor.view.strides = sample->strides;
}

adze_error *
adze_sample_make (size_t index, adze_sample *sample)
{
  uint64_t key = adze_random_key (index, "kit", "tensor");
  *sample = (adze_sample){ .what = samples[index].what };
  memcpy (sample->shape, samples[index].shape, sizeof sample->shape);
  ADZE_TRY (adze_tensor_bytes (samples[index].dtype, samples[index].rank, sample->shape,
                               &sample->size));
  /* An exact size, so that a tool that watches memory sees the first byte beyond it. */
  void *data = malloc (sample->size ? sample->size : 1);
  if (!data)
    return adze_error_memory ();
  if (samples[index].special)
    fill_special (data, sample->size / sizeof (float));
  else if (samples[index].dtype.code == ADZE_FLOAT && samples[index].dtype.bits == 32)
    fill_float (data, sample->size / sizeof (float), key);
  else
    fill_bytes (data, sample->size, key);
  sample->tensor = (adze_tensor){
    .struct_size = sizeof sample->tensor,
    .name = "layer.weight",
    .view = { .data = data,
              .device = { ADZE_DEVICE_CPU, 0 },
              .rank = samples[index].rank,
              .dtype = samples[index].dtype,
              .shape = sample->shape },
    .byte_size = sample->size,
  };
  if (samples[index].transposed)
    transpose (sample);
  return NULL;
}

/* ---- Parameters. */

typedef struct draw {
  uint64_t key;
  uint64_t next;
} draw;

static uint64_t
draw_bits (draw *from)
{
  uint64_t bits;
  adze_random_values (from->key, from->next++, &bits, 1);
  return bits;
}

static size_t
draw_below (draw *from, size_t count)
{
  return (size_t)(draw_bits (from) % count);
}

/* The least and the greatest integer of a range. */
static int64_t
least_integer (const adze_range *range)
{
  if (!isfinite (range->low))
    return INT64_MIN;
  return range->low_whole ? range->low_integer + range->low_open : (int64_t)ceil (range->low);
}

static int64_t
greatest_integer (const adze_range *range)
{
  if (!isfinite (range->high))
    return INT64_MAX;
  return range->high_whole ? range->high_integer - range->high_open
                           : (int64_t)floor (range->high);
}

/* The ends of a range are where mistakes live: every third number is one. In a wide range the
 * others stay near the end that is nearer to zero, since 2^62 of anything is no test of it. */
static int64_t
draw_integer (draw *from, const adze_range *range)
{
  int64_t low = least_integer (range), high = greatest_integer (range);
  size_t way = draw_below (from, 6);
  if (way == 0 && low != INT64_MIN)
    return low;
  if (way == 1 && high != INT64_MAX)
    return high;
  int64_t start = low > 0 ? low : high < 0 ? high : 0;
  int64_t step = (int64_t)draw_below (from, 1000);
  if (high - start >= step)
    return start + step;
  return (int64_t)((uint64_t)low + draw_bits (from) % ((uint64_t)high - (uint64_t)low + 1));
}

static double
draw_float (draw *from, const adze_range *range)
{
  double low = isfinite (range->low) ? range->low : -1000;
  double high = isfinite (range->high) ? range->high : low + 2000;
  double number = low + (high - low) * adze_random_unit (draw_bits (from));
  size_t way = draw_below (from, 6);
  if (way == 0 && !range->low_open && isfinite (range->low))
    number = range->low;
  if (way == 1 && !range->high_open && isfinite (range->high))
    number = range->high;
  return adze_range_has_float (range, number) ? number : low + (high - low) / 2;
}

static const char *
draw_text (draw *from)
{
  static const char *const texts[]
      = { "", "a", "fc1.weight", "two words", "\xc3\xbcn\xc3\xaf", "%s%n", "a.b[0]*?",
          "0123456789012345678901234567890123456789012345678901234567890123456789" };
  return texts[draw_below (from, ADZE_COUNT_OF (texts))];
}

static adze_value *
text_value (const char *text, size_t size)
{
  adze_value *value = adze_value_new (ADZE_VALUE_STRING);
  if (value && !adze_value_set_text (value, text, size)) {
    adze_value_free (value);
    return NULL;
  }
  return value;
}

static adze_value *
draw_choice (draw *from, const char *choices)
{
  size_t count = 1;
  for (const char *c = choices; *c; c++)
    count += *c == '|';
  size_t chosen = draw_below (from, count);
  const char *start = choices;
  while (chosen-- > 0)
    start = strchr (start, '|') + 1;
  return text_value (start, strcspn (start, "|"));
}

static bool kept_file;

void
adze_sample_keep_file (void)
{
  kept_file = true;
}

/* An existing file with something in it, in the case's own folder. */
static adze_value *
draw_file (void)
{
  static const char name[] = "kit-file";
  /* A case that has put something into it wants that to be read. */
  if (kept_file)
    return text_value (name, strlen (name));
  FILE *file = fopen (name, "w");
  if (!file)
    return NULL;
  fputs ("1 2 3\n", file);
  fclose (file);
  return text_value (name, strlen (name));
}

/* Of an observer, in the case's own folder. */
static const char written[] = "kit-written";

static adze_value *draw_value (draw *from, const adze_param *param, uint32_t type);

static adze_value *
draw_many (draw *from, const adze_param *param, adze_value_type type)
{
  ADZE_AUTO_VALUE many = adze_value_new (type);
  size_t count = draw_below (from, 4);
  for (size_t i = 0; many && i < count; i++) {
    char key[32];
    snprintf (key, sizeof key, "k%zu", i);
    adze_value *item = draw_value (from, param, param->item);
    if (!item)
      return NULL;
    ADZE_AUTO_ERROR error = adze_value_append (many, type == ADZE_VALUE_TABLE ? key : NULL, item);
    if (error)
      return NULL;
  }
  return adze_take (&many);
}

/* NULL without memory, or for what cannot be drawn. */
static adze_value *
draw_value (draw *from, const adze_param *param, uint32_t type)
{
  adze_range range = { .low = -INFINITY, .high = INFINITY };
  if (param->range)
    adze_error_free (adze_range_parse (param->range, &range));
  adze_value *value = NULL;
  switch (type) {
  case ADZE_PARAM_BOOL:
    value = adze_value_new (ADZE_VALUE_BOOL);
    if (value)
      value->boolean = draw_below (from, 2);
    return value;
  case ADZE_PARAM_INT:
    value = adze_value_new (ADZE_VALUE_INT);
    if (value)
      value->integer = draw_integer (from, &range);
    return value;
  case ADZE_PARAM_FLOAT:
    value = adze_value_new (ADZE_VALUE_FLOAT);
    if (value)
      value->real = draw_float (from, &range);
    return value;
  case ADZE_PARAM_STRING: {
    const char *text = draw_text (from);
    return text_value (text, strlen (text));
  }
  case ADZE_PARAM_CHOICE:
    return draw_choice (from, param->choices);
  case ADZE_PARAM_FILE:
    return draw_file ();
  case ADZE_PARAM_OUTPUT_FILE:
    return text_value (written, strlen (written));
  case ADZE_PARAM_LIST:
    return draw_many (from, param, ADZE_VALUE_LIST);
  case ADZE_PARAM_MAP:
    return draw_many (from, param, ADZE_VALUE_TABLE);
  default:
    return NULL;
  }
}

/* What the plugin says about itself, as far as its SDK knew of it. */
static adze_check_extension
extension_of (const adze_plugin *plugin)
{
  adze_check_extension known = { 0 };
  const adze_check_extension *said = plugin && plugin->extension ? plugin->extension (ADZE_CHECK) : NULL;
  if (said)
    memcpy (&known, said, said->struct_size < sizeof known ? said->struct_size : sizeof known);
  return known;
}

static bool
is_fixed (const adze_plugin *plugin, const char *component, const char *param)
{
  const adze_check_extension extension = extension_of (plugin);
  ADZE_AUTO_FREE char *name = adze_text_format ("%s.%s", component, param);
  for (size_t i = 0; name && extension.fixed && extension.fixed[i]; i++)
    if (strcmp (extension.fixed[i], name) == 0)
      return true;
  return false;
}

static adze_error *
add_drawn (draw *from, const adze_param *param, adze_value *settings)
{
  adze_value *value = draw_value (from, param, param->type);
  if (value)
    return adze_value_append (settings, param->name, value);
  if (param->preset)
    return NULL;
  return adze_error_new (ADZE_E_UNSUPPORTED, "the kit cannot draw the mandatory parameter '%s'",
                         param->name);
}

adze_error *
adze_sample_settings (const adze_manifest_component *component, const adze_plugin *plugin,
                      uint64_t seed, adze_value **settings)
{
  draw from = { .key = adze_random_key (seed, component->id, "settings") };
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  if (!table)
    return adze_error_memory ();
  for (size_t i = 0; i < component->param_count; i++) {
    const adze_param *param = &component->params[i];
    bool left_out = param->preset && draw_below (&from, 4) == 0;
    if (!left_out && !(param->preset && is_fixed (plugin, component->id, param->name)))
      ADZE_TRY (add_drawn (&from, param, table));
  }
  *settings = adze_take (&table);
  return NULL;
}

static adze_error *
read_given (const adze_manifest_component *component, const adze_plugin *plugin, adze_document *document)
{
  const char *const *given = extension_of (plugin).given;
  const size_t size = strlen (component->id);
  const char *settings[17] = { NULL };
  size_t count = 0;
  for (; given && *given && count < ADZE_COUNT_OF (settings) - 1; given++)
    if (strncmp (*given, component->id, size) == 0 && (*given)[size] == '.')
      settings[count++] = *given + size + 1;
  return adze_settings_parse (component, settings, document);
}

adze_error *
adze_sample_presets (const adze_manifest_component *component, const adze_plugin *plugin, adze_value **settings)
{
  draw from = { .key = adze_random_key (1, component->id, "presets") };
  ADZE_AUTO (adze_document) given = { 0 };
  ADZE_TRY (read_given (component, plugin, &given));
  for (size_t i = 0; i < component->param_count; i++)
    if (!component->params[i].preset && !adze_value_get (given.root, component->params[i].name))
      ADZE_TRY (add_drawn (&from, &component->params[i], given.root));
  *settings = adze_take (&given.root);
  return NULL;
}
