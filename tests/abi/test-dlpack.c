/* SPDX-License-Identifier: Apache-2.0 */
/* adze_view is DLPack's DLTensor under another name, member by member, and the numbers are
 * DLPack's: a pointer to the one may be cast to a pointer to the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dlpack/dlpack.h>

#include <adze/tensor.h>

#define SAME_SIZE(ours, theirs) assert_int_equal (sizeof (ours), sizeof (theirs))
#define SAME_MEMBER(ours, member, theirs, other) \
  do { \
    assert_int_equal (offsetof (ours, member), offsetof (theirs, other)); \
    assert_int_equal (sizeof (((ours *)0)->member), sizeof (((theirs *)0)->other)); \
  } while (0)

static void
a_view_has_the_layout_of_a_tensor (void **state)
{
  (void)state;
  SAME_SIZE (adze_view, DLTensor);
  SAME_MEMBER (adze_view, data, DLTensor, data);
  SAME_MEMBER (adze_view, device, DLTensor, device);
  SAME_MEMBER (adze_view, rank, DLTensor, ndim);
  SAME_MEMBER (adze_view, dtype, DLTensor, dtype);
  SAME_MEMBER (adze_view, shape, DLTensor, shape);
  SAME_MEMBER (adze_view, strides, DLTensor, strides);
  SAME_MEMBER (adze_view, byte_offset, DLTensor, byte_offset);
}

static void
types_and_devices_have_the_same_layout (void **state)
{
  (void)state;
  SAME_SIZE (adze_dtype, DLDataType);
  SAME_MEMBER (adze_dtype, code, DLDataType, code);
  SAME_MEMBER (adze_dtype, bits, DLDataType, bits);
  SAME_MEMBER (adze_dtype, lanes, DLDataType, lanes);
  SAME_SIZE (adze_device, DLDevice);
  SAME_MEMBER (adze_device, type, DLDevice, device_type);
  SAME_MEMBER (adze_device, id, DLDevice, device_id);
}

static void
numbers_are_the_same (void **state)
{
  (void)state;
  assert_int_equal (ADZE_INT, kDLInt);
  assert_int_equal (ADZE_UINT, kDLUInt);
  assert_int_equal (ADZE_FLOAT, kDLFloat);
  assert_int_equal (ADZE_OPAQUE, kDLOpaqueHandle);
  assert_int_equal (ADZE_BFLOAT, kDLBfloat);
  assert_int_equal (ADZE_COMPLEX, kDLComplex);
  assert_int_equal (ADZE_DEVICE_CPU, kDLCPU);
}

/* Written as one, read as the other. */
static void
a_view_can_be_handed_on_as_a_tensor (void **state)
{
  (void)state;
  float numbers[] = { 1, 2, 3, 4, 5, 6 };
  int64_t shape[] = { 2, 3 };
  int64_t strides[] = { 3, 1 };
  adze_view view = { .data = numbers,
                     .device = { ADZE_DEVICE_CPU, 0 },
                     .rank = 2,
                     .dtype = { ADZE_FLOAT, 32, 1 },
                     .shape = shape,
                     .strides = strides,
                     .byte_offset = sizeof *numbers };
  DLTensor tensor;
  SAME_SIZE (view, tensor);
  memcpy (&tensor, &view, sizeof tensor);
  assert_ptr_equal (tensor.data, numbers);
  assert_int_equal (tensor.device.device_type, kDLCPU);
  assert_int_equal (tensor.ndim, 2);
  assert_int_equal (tensor.dtype.code, kDLFloat);
  assert_int_equal (tensor.dtype.bits, 32);
  assert_int_equal (tensor.dtype.lanes, 1);
  assert_int_equal (tensor.shape[1], 3);
  assert_int_equal (tensor.strides[0], 3);
  assert_int_equal (tensor.byte_offset, sizeof *numbers);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_view_has_the_layout_of_a_tensor),
    cmocka_unit_test (types_and_devices_have_the_same_layout),
    cmocka_unit_test (numbers_are_the_same),
    cmocka_unit_test (a_view_can_be_handed_on_as_a_tensor),
  };
  return cmocka_run_group_tests_name ("dlpack", tests, NULL, NULL);
}
