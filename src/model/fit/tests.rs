use super::*;

fn header() -> Header {
    Header {
        version: 3,
        architecture: "llama".to_owned(),
        name: None,
        file_type: None,
        context_tokens: Some(32_768),
        block_count: Some(4),
        embedding_length: Some(1024),
        head_count: Some(8),
        head_count_kv: Some(2),
        key_length: None,
        value_length: None,
        tokenizer: None,
        vocabulary_tokens: None,
        chat_template: None,
        pooling_type: None,
        tensor_count: 0,
        parameters: 0,
        tensor_bytes: 500 << 20,
        read_bytes: 500 << 20,
        block_bytes: vec![100 << 20; 4],
        header_bytes: 0,
    }
}

// KV: 2 heads × (128 + 128) × 4 blocks × 2 bytes = 4 KiB a token. 8192 tokens: 32 MiB in f16, 17 MiB in q8_0.

const MIB: u64 = 1 << 20;

fn gpu(free_mib: u64) -> GpuMemory {
    GpuMemory {
        name: "GPU0".to_owned(),
        free_bytes: free_mib * MIB,
    }
}

fn on_gpus(free_mib: &[u64], wish: FitWish) -> FitPlan {
    let devices = Devices {
        gpus: free_mib.iter().map(|free| gpu(768 + free)).collect(),
        host: None,
    };
    FitPlan::new(&header(), wish, &devices)
}

fn on_cpu(free_mib: u64, swap_mib: u64, wish: FitWish) -> FitPlan {
    let devices = Devices {
        gpus: Vec::new(),
        host: Some(HostMemory {
            free_bytes: free_mib * MIB,
            swap_free_bytes: swap_mib * MIB,
        }),
    };
    FitPlan::new(&header(), wish, &devices)
}

fn chosen(plan: &FitPlan) -> (KvType, u32, u32) {
    (plan.kv_type, plan.context_tokens, plan.gpu_layers)
}

const ANY: FitWish = FitWish {
    context_tokens: None,
    kv_type: None,
    gpu_layers: GpuLayers::Auto,
};

#[test]
fn everything_fits_on_a_large_device() {
    let plan = on_gpus(&[4096], ANY);
    assert_eq!(chosen(&plan), (KvType::F16, 8192, 5));
    assert_eq!((plan.gpu_bytes(), plan.kv_bytes), ((500 + 32) * MIB, 32 * MIB));
    assert_eq!((plan.total_layers, plan.concessions.len()), (5, 0));
}

#[test]
fn a_smaller_cache_then_a_shorter_context_then_fewer_layers() {
    assert_eq!(chosen(&on_gpus(&[532], ANY)), (KvType::F16, 8192, 5));
    let quantized = on_gpus(&[531], ANY);
    assert_eq!(chosen(&quantized), (KvType::Q8_0, 8192, 5));
    assert_eq!(quantized.gpu_bytes(), 517 * MIB);
    assert_eq!(quantized.concessions, [Concession::Quantized]);
    let shortened = on_gpus(&[516], ANY);
    assert_eq!(chosen(&shortened), (KvType::Q8_0, 4096, 5));
    assert!(
        shortened
            .concessions
            .contains(&Concession::Shortened { from_tokens: 8192 })
    );
    assert_eq!(chosen(&on_gpus(&[505], ANY)), (KvType::Q8_0, 2048, 5));
    // Nothing of it would be enough, so nothing of it is given up: the output, and three blocks with 8 MiB of cache each.
    let fewer = on_gpus(&[503], ANY);
    assert_eq!(chosen(&fewer), (KvType::F16, 8192, 4));
    assert_eq!(fewer.gpu_bytes(), (100 + 3 * 108) * MIB);
}

#[test]
fn what_is_asked_for_is_not_given_up() {
    let ctx = |tokens| FitWish {
        context_tokens: Some(tokens),
        ..ANY
    };
    assert_eq!(chosen(&on_gpus(&[516], ctx(8192))), (KvType::F16, 8192, 4));
    assert_eq!(chosen(&on_gpus(&[531], ctx(8192))), (KvType::Q8_0, 8192, 5));
    assert_eq!(chosen(&on_gpus(&[4096], ctx(65_536))), (KvType::F16, 65_536, 5));
    let f16 = FitWish {
        kv_type: Some(KvType::F16),
        ..ANY
    };
    assert_eq!(chosen(&on_gpus(&[531], f16)), (KvType::F16, 4096, 5));
    let q8_0 = FitWish {
        kv_type: Some(KvType::Q8_0),
        ..ANY
    };
    let plan = on_gpus(&[4096], q8_0);
    assert_eq!((chosen(&plan), plan.concessions.len()), ((KvType::Q8_0, 8192, 5), 0));
}

#[test]
fn a_device_with_less_than_the_margin_takes_nothing() {
    let devices = Devices {
        gpus: vec![gpu(500)],
        host: None,
    };
    let plan = FitPlan::new(&header(), ANY, &devices);
    assert_eq!(chosen(&plan), (KvType::F16, 8192, 0));
}

#[test]
fn a_given_count_is_obeyed_where_there_is_a_gpu() {
    let count = |count| FitWish {
        gpu_layers: GpuLayers::Count(count),
        ..ANY
    };
    assert_eq!(on_gpus(&[0], count(3)).gpu_layers, 3);
    assert_eq!(on_gpus(&[0], count(99)).gpu_layers, 5);
    assert_eq!(on_gpus(&[4096], count(0)).gpu_layers, 0);
    assert_eq!(on_gpus(&[], count(3)).gpu_layers, 0);
}

#[test]
fn several_devices_get_consecutive_layers_by_their_free_memory() {
    let layers = |free: &[u64]| -> Vec<u32> {
        let plan = on_gpus(free, ANY);
        plan.gpus.iter().map(|share| share.layers).collect()
    };
    assert_eq!(layers(&[2000, 2000]), [3, 2]);
    // 768 MiB of each are kept free, and llama.cpp splits by all that is free.
    assert_eq!(layers(&[7232, 1232]), [4, 1]);
    // Together there is room for five layers, but not for the three that the first would get.
    assert_eq!(layers(&[280, 280]).iter().sum::<u32>(), 4);
    assert_eq!(on_gpus(&[2000, 2000], ANY).gpus[1].bytes, (100 + 108) * MIB);
    assert!(split_by_layer(&[], &[1, 2]).is_empty());
}

#[test]
fn main_memory_is_made_to_do() {
    // 128 MiB are kept free.
    assert_eq!(chosen(&on_cpu(660, 0, ANY)), (KvType::F16, 8192, 0));
    assert_eq!(chosen(&on_cpu(659, 0, ANY)), (KvType::Q8_0, 8192, 0));
    assert_eq!(chosen(&on_cpu(640, 0, ANY)), (KvType::Q8_0, 4096, 0));
    // Less than that may do: the margin is not needed to the last byte.
    let tight = on_cpu(480, 0, ANY);
    assert_eq!((chosen(&tight), tight.shortage()), ((KvType::Q8_0, 2048, 0), None));
}

#[test]
fn only_a_clear_shortage_is_one() {
    let least = 500 * MIB + 17 * MIB / 4;
    assert_eq!(on_cpu(400, 0, ANY).shortage(), Some((least, 400 * MIB)));
    assert_eq!(on_cpu(400, 200, ANY).shortage(), None);
    // Weights beside those of a GPU are mapped, and the kernel can drop them.
    let devices = Devices {
        gpus: vec![gpu(768 + 210)],
        host: Some(HostMemory {
            free_bytes: 300 * MIB,
            swap_free_bytes: 0,
        }),
    };
    let plan = FitPlan::new(&header(), ANY, &devices);
    assert_eq!((plan.gpu_layers, plan.shortage()), (2, None));
}

#[test]
fn narrow_heads_are_kept_at_half_precision() {
    let narrow = Header {
        head_count: Some(64),
        ..header()
    };
    let q8_0 = FitWish {
        kv_type: Some(KvType::Q8_0),
        ..ANY
    };
    let plan = FitPlan::new(&narrow, q8_0, &Devices::default());
    assert_eq!(
        (plan.kv_type, plan.concessions),
        (KvType::F16, vec![Concession::NotQuantizable])
    );
    let unknown = Header {
        head_count: None,
        ..header()
    };
    assert_eq!(FitPlan::new(&unknown, q8_0, &Devices::default()).kv_type, KvType::F16);
}

#[test]
fn a_short_model_is_not_made_shorter() {
    let short = Header {
        context_tokens: Some(512),
        ..header()
    };
    let plan = FitPlan::new(&short, ANY, &Devices::default());
    assert_eq!((plan.context_tokens, plan.concessions.len()), (512, 0));
}

#[test]
fn the_plan_says_what_it_is() {
    assert_eq!(
        on_cpu(640, 0, ANY).to_string(),
        "5 layers on the CPU, context 4096 tokens, KV cache 8 MiB in q8_0, about 636 MiB of main memory (640 MiB free); \
         f16 would not fit; 8192 tokens would not fit"
    );
    assert_eq!(
        on_gpus(&[2000, 2000], ANY).to_string(),
        "5 of 5 layers on GPUs (GPU0: 3, 324 of 2768 MiB free; GPU0: 2, 208 of 2768 MiB free), context 8192 tokens, \
         KV cache 32 MiB in f16, about 128 MiB of main memory"
    );
}
