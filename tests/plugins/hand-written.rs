// SPDX-License-Identifier: Apache-2.0
// A plugin without the SDK's headers, in another language than C: the structs mirrored by hand. It
// negates float32 tensors.
#![allow(non_camel_case_types)]
use std::os::raw::{c_char, c_void};

#[repr(C)]
pub struct Host {
    struct_size: u32,
    abi_major: u32,
    abi_minor: u32,
    reserved: u32,
    name: *const c_char,
    version: *const c_char,
    opaque: *mut c_void,
    service: unsafe extern "C" fn(*const Host, *const c_char) -> *const c_void,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq)]
pub struct Dtype {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
pub struct View {
    data: *mut c_void,
    device_type: i32,
    device_id: i32,
    rank: i32,
    dtype: Dtype,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
pub struct Tensor {
    struct_size: u32,
    reserved: u32,
    name: *const c_char,
    view: View,
}

#[repr(C)]
pub struct ErrorService {
    struct_size: u32,
    push: unsafe extern "C" fn(*const Host, i32, *const c_char),
}

type Output =
    unsafe extern "C" fn(*const Host, *mut c_void, Dtype, i32, *const i64, *mut View) -> i32;

#[repr(C)]
pub struct CallService {
    struct_size: u32,
    output: Output,
}

#[repr(C)]
pub struct Technique {
    struct_size: u32,
    effect: u32,
    ports: *const c_void,
    port_size: u32,
    grain: u32,
    accumulate: u32,
    reserved: u32,
    preserves: *const c_void,
    breaks: *const c_void,
    create: *const c_void,
    destroy: *const c_void,
    describe: *const c_void,
    accumulator: *const c_void,
    observe: *const c_void,
    merge: *const c_void,
    decide: *const c_void,
    apply: unsafe extern "C" fn(*const Host, *mut c_void, *mut c_void, *const Tensor) -> i32,
    run: *const c_void,
}

#[repr(C)]
pub struct Component {
    struct_size: u32,
    kind_revision: u32,
    kind: *const c_char,
    id: *const c_char,
    summary: *const c_char,
    params: *const c_void,
    param_size: u32,
    threading: u32,
    callbacks: *const Technique,
}

#[repr(C)]
pub struct Plugin {
    magic: u32,
    struct_size: u32,
    abi_major: u32,
    abi_minor: u32,
    id: *const c_char,
    version: *const c_char,
    summary: *const c_char,
    license: *const c_char,
    components: *const [*const Component; 2],
    init: *const c_void,
    deinit: *const c_void,
    extension: *const c_void,
}

unsafe impl Sync for Technique {}
unsafe impl Sync for Component {}
unsafe impl Sync for Plugin {}
struct List([*const Component; 2]);
unsafe impl Sync for List {}

const UNSUPPORTED: i32 = 5;

fn text(bytes: &'static [u8]) -> *const c_char {
    bytes.as_ptr() as *const c_char
}

unsafe fn refuse(host: *const Host, why: &'static [u8]) -> i32 {
    let service = ((*host).service)(host, text(b"adze.error/1\0")) as *const ErrorService;
    if !service.is_null() {
        ((*service).push)(host, UNSUPPORTED, text(why));
    }
    UNSUPPORTED
}

unsafe extern "C" fn apply(
    host: *const Host,
    _instance: *mut c_void,
    call: *mut c_void,
    input: *const Tensor,
) -> i32 {
    let view = &(*input).view;
    let float32 = Dtype { code: 2, bits: 32, lanes: 1 };
    if view.device_type != 1 || view.dtype != float32 || !view.strides.is_null() {
        return refuse(host, b"negate takes compact float32\0");
    }
    let service = ((*host).service)(host, text(b"adze.call/1\0")) as *const CallService;
    if service.is_null() {
        return refuse(host, b"this host has no adze.call/1\0");
    }
    let mut out: View = std::mem::zeroed();
    let status = ((*service).output)(host, call, view.dtype, view.rank, view.shape, &mut out);
    if status != 0 {
        return status;
    }
    let count: i64 = (0..view.rank as usize).map(|i| *view.shape.add(i)).product();
    let from = (view.data as *const u8).add(view.byte_offset as usize) as *const f32;
    let to = (out.data as *mut u8).add(out.byte_offset as usize) as *mut f32;
    for i in 0..count as usize {
        *to.add(i) = -*from.add(i);
    }
    0
}

static TECHNIQUE: Technique = Technique {
    struct_size: std::mem::size_of::<Technique>() as u32,
    effect: 1,
    ports: std::ptr::null(),
    port_size: 0,
    grain: 0,
    accumulate: 0,
    reserved: 0,
    preserves: std::ptr::null(),
    breaks: std::ptr::null(),
    create: std::ptr::null(),
    destroy: std::ptr::null(),
    describe: std::ptr::null(),
    accumulator: std::ptr::null(),
    observe: std::ptr::null(),
    merge: std::ptr::null(),
    decide: std::ptr::null(),
    apply,
    run: std::ptr::null(),
};

static NEGATE: Component = Component {
    struct_size: std::mem::size_of::<Component>() as u32,
    kind_revision: 2,
    kind: b"technique\0".as_ptr() as *const c_char,
    id: b"negate\0".as_ptr() as *const c_char,
    summary: b"Negates every number\0".as_ptr() as *const c_char,
    params: std::ptr::null(),
    param_size: 0,
    threading: 3,
    callbacks: &TECHNIQUE,
};

static COMPONENTS: List = List([&NEGATE, std::ptr::null()]);

static PLUGIN: Plugin = Plugin {
    magic: 0x455a4441,
    struct_size: std::mem::size_of::<Plugin>() as u32,
    abi_major: 0,
    abi_minor: 1,
    id: b"negate\0".as_ptr() as *const c_char,
    version: b"1.0\0".as_ptr() as *const c_char,
    summary: b"A plugin in another language\0".as_ptr() as *const c_char,
    license: b"Apache-2.0\0".as_ptr() as *const c_char,
    components: &COMPONENTS.0,
    init: std::ptr::null(),
    deinit: std::ptr::null(),
    extension: std::ptr::null(),
};

#[no_mangle]
pub extern "C" fn adze_entry() -> *const Plugin {
    &PLUGIN
}
