/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/call.c: call interfaces, and calls through them. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "plugin/foreign/call.h"

/* ffi_prep_cif may write to the types it is given, which are libffi's own and shared. */
static pthread_mutex_t prepare_lock = PTHREAD_MUTEX_INITIALIZER;

/* libffi widens a whole number that is returned to at least this. */
typedef union returned {
  ffi_arg word;
  ffi_sarg signed_word;
  int64_t int64;
  float real32;
  double real64;
} returned;

static ffi_type *
type_of (const adze_c_type *type)
{
  static ffi_type *const unsigned_types[]
      = { [1] = &ffi_type_uint8, [2] = &ffi_type_uint16, [4] = &ffi_type_uint32,
          [8] = &ffi_type_uint64 };
  static ffi_type *const signed_types[]
      = { [1] = &ffi_type_sint8, [2] = &ffi_type_sint16, [4] = &ffi_type_sint32,
          [8] = &ffi_type_sint64 };
  switch (type->sort) {
  case ADZE_C_INTEGER:
    return type->is_signed ? signed_types[type->size] : unsigned_types[type->size];
  case ADZE_C_REAL:
    return type->size == sizeof (float) ? &ffi_type_float : &ffi_type_double;
  case ADZE_C_POINTER:
    return &ffi_type_pointer;
  case ADZE_C_VOID:
  default:
    return &ffi_type_void;
  }
}

static inline void
integer_put (adze_foreign_value *value, size_t size, int64_t number)
{
  switch (size) {
  case 1:
    value->int8 = (int8_t)number;
    break;
  case 2:
    value->int16 = (int16_t)number;
    break;
  case 4:
    value->int32 = (int32_t)number;
    break;
  default:
    value->int64 = number;
    break;
  }
}

static inline void
real_put (adze_foreign_value *value, size_t size, double number)
{
  if (size == sizeof (float))
    value->real32 = (float)number;
  else
    value->real64 = number;
}

static void
fixed_put (adze_foreign_value *value, const adze_foreign_argument *argument)
{
  if (argument->type->sort == ADZE_C_INTEGER)
    integer_put (value, argument->type->size, argument->fixed.integer);
  else if (argument->type->sort == ADZE_C_REAL)
    real_put (value, argument->type->size, argument->fixed.real);
  else
    value->pointer = argument->fixed.pointer;
}

static adze_foreign_how
how_of (const adze_foreign_argument *argument)
{
  const adze_c_type *type = argument->type;
  if (type->sort == ADZE_C_REAL)
    return type->size == sizeof (float) ? ADZE_FOREIGN_FLOAT : ADZE_FOREIGN_DOUBLE;
  if (argument->map)
    return ADZE_FOREIGN_INTEGER;
  /* Where pointers are narrower than the slot they are still copied whole: the union has room. */
  if (type->sort == ADZE_C_POINTER || (type->is_signed && type->size == sizeof (int64_t)))
    return ADZE_FOREIGN_WORD;
  return type->is_signed && type->size == sizeof (int32_t) ? ADZE_FOREIGN_INT32
                                                           : ADZE_FOREIGN_INTEGER;
}

/* Does it return what the contract's own type returns? */
static bool
returns_equal (const adze_foreign_function *function)
{
  const adze_foreign_contract *contract = function->contract;
  return !contract
         || (adze_c_type_same (function->returns, adze_c_type_find (contract->returns))
             && (!function->has_success || function->success == 0));
}

/* Same arguments, in the same order, of the same types, nothing fixed and nothing mapped. */
static bool
is_direct (const adze_foreign_function *function)
{
  size_t own = 0;
  const adze_foreign_source *sources = adze_foreign_sources (function->shape, &own);
  if (function->shape == ADZE_FOREIGN_BUFFER || function->argument_count != own
      || !returns_equal (function))
    return false;
  for (size_t i = 0; i < own; i++) {
    const adze_foreign_argument *argument = &function->arguments[i];
    const adze_c_type *type
        = sources[i].type ? adze_c_type_find (sources[i].type) : function->element;
    if (argument->source != i || argument->map || argument->by_reference
        || !adze_c_type_same (argument->type, type))
      return false;
  }
  return true;
}

adze_error *
adze_kernel_prepare (const adze_foreign_function *function, void *address, adze_kernel *kernel)
{
  *kernel = (adze_kernel){ .function = function, .address = address };
  kernel->direct = is_direct (function);
  for (size_t i = 0; i < function->argument_count; i++) {
    const adze_foreign_argument *argument = &function->arguments[i];
    kernel->types[i] = argument->by_reference ? &ffi_type_pointer : type_of (argument->type);
    if (argument->source == ADZE_FOREIGN_FIXED) {
      fixed_put (&kernel->fixed[i], argument);
      continue;
    }
    adze_foreign_step *step = &kernel->steps[kernel->step_count++];
    step->argument = argument;
    step->index = (uint16_t)i;
    step->source = (uint16_t)argument->source;
    step->how = how_of (argument);
    if (argument->type->sort == ADZE_C_INTEGER)
      adze_c_type_limits (argument->type, &step->low, &step->high);
  }
  pthread_mutex_lock (&prepare_lock);
  ffi_status status
      = ffi_prep_cif (&kernel->interface, FFI_DEFAULT_ABI, (unsigned)function->argument_count,
                      type_of (function->returns), kernel->types);
  pthread_mutex_unlock (&prepare_lock);
  if (status == FFI_OK)
    return NULL;
  return adze_error_new (ADZE_E_UNSUPPORTED,
                         "libffi cannot describe %s for this machine (status %d)",
                         function->symbol, (int)status);
}

/* ---- Placing arguments. */

static adze_error *
misfit_integer (const adze_kernel *kernel, const adze_foreign_step *step, int64_t number)
{
  char name[80];
  adze_foreign_source_name (kernel->function, step->source, name);
  if (step->argument->map)
    return adze_error_new (ADZE_E_CONTRACT,
                           "'%s' is %lld, which the map of argument %u of %s lacks", name,
                           (long long)number, step->index + 1, kernel->function->symbol);
  return adze_error_new (ADZE_E_LIMIT,
                         "'%s' is %lld, which does not fit argument %u of %s, of type %s", name,
                         (long long)number, step->index + 1, kernel->function->symbol,
                         step->argument->type->name);
}

static adze_error *
misfit_real (const adze_kernel *kernel, const adze_foreign_step *step, double number)
{
  char name[80];
  return adze_error_new (ADZE_E_LIMIT,
                         "'%s' is %g, which does not fit argument %u of %s, of type float",
                         adze_foreign_source_name (kernel->function, step->source, name), number,
                         step->index + 1, kernel->function->symbol);
}

static inline bool
integer_map (const adze_foreign_argument *argument, int64_t *number)
{
  for (size_t i = 0; i < argument->map_count; i++)
    if (argument->map[i].from == *number) {
      *number = argument->map[i].to;
      return true;
    }
  return argument->map == NULL;
}

static bool
integer_place (const adze_foreign_step *step, int64_t number, adze_foreign_value *value)
{
  if (!integer_map (step->argument, &number) || number < step->low || number > step->high)
    return false;
  integer_put (value, step->argument->type->size, number);
  return true;
}

adze_error *
adze_kernel_place (const adze_kernel *kernel, const adze_slot *slots, adze_foreign_value *values)
{
  memcpy (values, kernel->fixed, kernel->function->argument_count * sizeof *values);
  for (size_t i = 0; i < kernel->step_count; i++) {
    const adze_foreign_step *step = &kernel->steps[i];
    const adze_slot *slot = &slots[step->source];
    adze_foreign_value *value = &values[step->index];
    switch (step->how) {
    case ADZE_FOREIGN_WORD:
      value->int64 = slot->integer;
      break;
    case ADZE_FOREIGN_INT32:
      value->int32 = (int32_t)slot->integer;
      if (value->int32 != slot->integer)
        return misfit_integer (kernel, step, slot->integer);
      break;
    case ADZE_FOREIGN_INTEGER:
      if (!integer_place (step, slot->integer, value))
        return misfit_integer (kernel, step, slot->integer);
      break;
    case ADZE_FOREIGN_FLOAT:
      value->real32 = (float)slot->real;
      if (isinf (value->real32) && !isinf (slot->real))
        return misfit_real (kernel, step, slot->real);
      break;
    case ADZE_FOREIGN_DOUBLE:
      value->real64 = slot->real;
      break;
    }
  }
  return NULL;
}

/* ---- Calling. */

static int64_t
integer_returned (const adze_c_type *type, const returned *result)
{
  if (type->size > sizeof (ffi_arg))
    return result->int64;
  return type->is_signed ? (int64_t)result->signed_word : (int64_t)result->word;
}

static int64_t
integer_get (const adze_foreign_value *value, const adze_c_type *type)
{
  switch (type->size) {
  case 1:
    return type->is_signed ? value->int8 : (uint8_t)value->int8;
  case 2:
    return type->is_signed ? value->int16 : (uint16_t)value->int16;
  case 4:
    return type->is_signed ? value->int32 : (int64_t)(uint32_t)value->int32;
  default:
    return value->int64;
  }
}

static adze_error *
judge (const adze_foreign_function *function, const adze_foreign_value *values,
       const returned *result)
{
  if (!function->has_success)
    return NULL;
  const adze_foreign_argument *status = NULL;
  const adze_foreign_value *value = NULL;
  for (size_t i = 0; i < function->argument_count; i++)
    if (function->arguments[i].is_status) {
      status = &function->arguments[i];
      value = &values[i];
    }
  int64_t answer = status ? integer_get (value, status->type)
                          : integer_returned (function->returns, result);
  if (answer == function->success)
    return NULL;
  return adze_error_new (ADZE_E_UNSUPPORTED, "%s %s %lld, where %lld means success",
                         function->symbol, status ? "left the status" : "returned",
                         (long long)answer, (long long)function->success);
}

adze_error *
adze_kernel_call (const adze_kernel *kernel, const adze_slot *slots, double *real)
{
  const adze_foreign_function *function = kernel->function;
  adze_foreign_value values[ADZE_FOREIGN_ARGUMENTS];
  void *references[ADZE_FOREIGN_ARGUMENTS];
  void *pointers[ADZE_FOREIGN_ARGUMENTS];
  returned result;
  ADZE_TRY (adze_kernel_place (kernel, slots, values));
  for (size_t i = 0; i < function->argument_count; i++) {
    references[i] = &values[i];
    pointers[i] = function->arguments[i].by_reference ? (void *)&references[i] : references[i];
  }
  ffi_call ((ffi_cif *)&kernel->interface, FFI_FN (kernel->address), &result, pointers);
  if (real)
    *real = function->returns->size == sizeof (float) ? (double)result.real32 : result.real64;
  return judge (function, values, &result);
}

static void
map_direct (const adze_kernel *kernel, const void *input, void *output, size_t first, size_t last)
{
  if (kernel->function->element->size == sizeof (float)) {
    adze_kernel_map_f32 f = (adze_kernel_map_f32)kernel->address;
    for (size_t i = first; i < last; i++)
      ((float *)output)[i] = f (((const float *)input)[i]);
  } else {
    adze_kernel_map_f64 f = (adze_kernel_map_f64)kernel->address;
    for (size_t i = first; i < last; i++)
      ((double *)output)[i] = f (((const double *)input)[i]);
  }
}

void
adze_kernel_map (const adze_kernel *kernel, const adze_foreign_value *values, const void *input,
                 void *output, size_t first, size_t last)
{
  if (kernel->direct) {
    map_direct (kernel, input, output, first, last);
    return;
  }
  const adze_foreign_function *function = kernel->function;
  size_t size = function->element->size;
  void *pointers[ADZE_FOREIGN_ARGUMENTS];
  for (size_t n = 0; n < function->argument_count; n++)
    pointers[n] = (void *)&values[n];
  for (size_t i = first; i < last; i++) {
    returned result;
    for (size_t n = 0; n < function->argument_count; n++)
      if (function->arguments[n].source == ADZE_SOURCE_X)
        pointers[n] = (char *)input + i * size;
    ffi_call ((ffi_cif *)&kernel->interface, FFI_FN (kernel->address), &result, pointers);
    memcpy ((char *)output + i * size, &result, size);
  }
}
