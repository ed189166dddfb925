"""The effect of determinism switches on a result, and which of them are off.

A switch that is off is advice: a run may repeat without it. The right call depends on the
framework's version, and so does the remedy.
"""

from __future__ import annotations

from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Rule
from envprint.core.shell import Code, Command
from envprint.core.workload import always, on_gpu, uses
from envprint.rules.kit import determinism
from envprint.rules.kit.determinism import OP_DETERMINISM, TENSORFLOW
from envprint.rules.kit.settings import SWITCHES, variable, when_changed

_GUIDE = Evidence(
    "Which switch belongs to which version of TensorFlow",
    "https://github.com/NVIDIA/framework-reproducibility/blob/master/doc/d9m/tensorflow.md",
)
_CUDNN_VARIABLES = Evidence(
    "The author of TF_CUDNN_DETERMINISTIC on both variables",
    "https://github.com/tensorflow/tensorflow/pull/24747",
)
_TORCH = Evidence(
    "What PyTorch promises and how to ask for it",
    "https://docs.pytorch.org/docs/stable/notes/randomness.html",
)

RULES = (
    Rule(
        id="tensorflow-deterministic-ops-changed",
        title="Deterministic operations are switched differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow"),
        watches=(variable("TF_DETERMINISTIC_OPS"), OP_DETERMINISM),
        why="Deterministic operations are other kernels, which add in another order; they give "
        "other bits than the usual ones on the CPU too.",
        not_when="The program calls enable_op_determinism() on both sides anyway; where both sides "
        "have captured from inside the process, that is seen.",
        remedy="Call enable_op_determinism(), or set TF_DETERMINISTIC_OPS, on both sides or none.",
        evidence=(_GUIDE, Evidence("Switched on, on a CPU", measured="tf.detenv")),
        drift=determinism.when_switched(TF_DETERMINISTIC_OPS=False),
    ),
    Rule(
        id="tensorflow-cudnn-determinism-changed",
        title="TensorFlow chooses convolutions differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(variable("TF_CUDNN_DETERMINISTIC"), variable("TF_CUDNN_USE_AUTOTUNE")),
        why="The variables decide which of cuDNN's convolution algorithms may be taken, and each "
        "rounds differently.",
        not_when="Op determinism is on, which decides the same, or the job has no convolution. On "
        "a CPU the same bits were measured.",
        remedy="Give both variables the same values on both sides.",
        evidence=(_CUDNN_VARIABLES, Evidence("No effect on a CPU", measured="tf.cudnndet")),
        drift=determinism.when_switched(TF_CUDNN_DETERMINISTIC=False, TF_CUDNN_USE_AUTOTUNE=True),
    ),
    Rule(
        id="tensorflow-autotune-defeats-determinism",
        title="A variable takes deterministic convolutions away again",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(variable("TF_CUDNN_USE_AUTOTUNE"), variable("TF_CUDNN_DETERMINISTIC")),
        why="Without autotuning TensorFlow does not come to the code that picks a deterministic "
        "algorithm; its author advises against setting both.",
        not_when="The job has no convolution, or op determinism is on.",
        remedy=Command("unset TF_CUDNN_USE_AUTOTUNE"),
        evidence=(_CUDNN_VARIABLES,),
        state=determinism.defeated,
    ),
    Rule(
        id="tensorflow-convolutions-vary",
        title="This TensorFlow does not repeat its choice of convolutions",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(TENSORFLOW,),
        why="From 2.5 to 2.8 the convolution algorithm may be chosen anew in each run, with op "
        "determinism too.",
        not_when="The job has no convolution.",
        remedy=Command("pip install 'tensorflow>=2.9'"),
        evidence=(
            Evidence(
                "The fault, and its fix in 2.9",
                "https://github.com/tensorflow/tensorflow/issues/53771",
            ),
        ),
        state=determinism.varying_convolutions,
    ),
    Rule(
        id="cublas-workspace-changed",
        title="cuBLAS is given another workspace",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch", "tensorflow", "jax") & on_gpu,
        watches=(variable("CUBLAS_WORKSPACE_CONFIG"),),
        why="With a workspace of fixed size cuBLAS repeats itself when several streams are active; "
        "another size may choose another algorithm.",
        not_when="One stream is active at a time and the kernels fit both workspaces.",
        remedy=Command("export CUBLAS_WORKSPACE_CONFIG=:4096:8"),
        note="On both sides.",
        evidence=(
            Evidence(
                "Reproducibility of cuBLAS results",
                "https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility",
            ),
        ),
        drift=when_changed("CUBLAS_WORKSPACE_CONFIG"),
    ),
    Rule(
        id="determinism-switches-changed",
        title="A framework's switch stands differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(SWITCHES,),
        why="Switches of determinism, precision and threads choose other kernels, which round "
        "differently. Another default type (of PyTorch, of Keras' layers) is another run: random "
        "numbers are drawn in it (measured: other initial weights in float64, first-epoch loss 1.3 "
        "% apart in mixed_bfloat16).",
        not_when="A switch is seen on one side only, because the framework was not loaded there: "
        "then nothing is said.",
        remedy="Set the switch to the same value on both sides.",
        evidence=(
            _TORCH,
            _GUIDE,
            Evidence(
                "What PyTorch's default type decides",
                "https://docs.pytorch.org/docs/stable/generated/torch.set_default_dtype.html",
            ),
            Evidence(
                "What Keras computes in another type under a policy",
                "https://keras.io/api/mixed_precision/",
            ),
        ),
        drift=determinism.switched,
    ),
    Rule(
        id="tensorflow-op-determinism-off",
        title="TensorFlow may take operations that do not repeat",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(OP_DETERMINISM, variable("TF_DETERMINISTIC_OPS"), TENSORFLOW),
        why="Some operations on a GPU, and random input pipelines with parallel calls, give other "
        "results in each run unless determinism is asked for.",
        not_when="The program asks for it itself, later than this look. Most jobs repeat on a CPU "
        "without it.",
        remedy=Code("tf.config.experimental.enable_op_determinism()"),
        evidence=(
            Evidence(
                "enable_op_determinism",
                "https://www.tensorflow.org/api_docs/python/tf/config/experimental/"
                "enable_op_determinism",
            ),
            _GUIDE,
        ),
        state=determinism.tensorflow_off,
        advice=True,
    ),
    Rule(
        id="tensorflow-determinism-variable-stale",
        title="The variable for determinism is that of older versions",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(variable("TF_DETERMINISTIC_OPS"), TENSORFLOW),
        why="From 2.8 on the documented switch is enable_op_determinism(). The variable still had "
        "an effect with 2.21 on a CPU, but nothing promises that, or how much of the function it "
        "does.",
        not_when="The program also calls the function.",
        remedy=Code("tf.config.experimental.enable_op_determinism()"),
        evidence=(_GUIDE, Evidence("It still has an effect", measured="tf.detenv")),
        state=determinism.stale_variable,
        advice=True,
    ),
    Rule(
        id="torch-determinism-off",
        title="PyTorch may take algorithms that do not repeat",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(f"{SWITCHES}[torch-deterministic-algorithms].value",),
        why="Some operations on a GPU use atomic additions, whose order varies.",
        not_when="The program asks for it itself, later than this look.",
        remedy=Code(
            "torch.use_deterministic_algorithms(True); torch.backends.cudnn.benchmark = False"
        ),
        note="Older versions also need the variable CUBLAS_WORKSPACE_CONFIG=:4096:8.",
        evidence=(_TORCH,),
        state=determinism.torch_off,
        advice=True,
    ),
    Rule(
        id="jax-determinism-off",
        title="XLA may take kernels that do not repeat",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax") & on_gpu,
        watches=(variable("XLA_FLAGS"),),
        why="XLA picks kernels on a GPU by timing them, and some of its operations, such as "
        "scatter, do not repeat. The flag ends both.",
        not_when="The program sets the flag itself before it imports JAX. With the flag XLA "
        "refuses operations that have no deterministic form.",
        remedy=Command('export XLA_FLAGS="$XLA_FLAGS --xla_gpu_deterministic_ops=true"'),
        evidence=(
            Evidence(
                "Where XLA's results vary",
                "https://github.com/openxla/xla/blob/main/docs/determinism.md",
            ),
            Evidence(
                "XLA's maintainers on what the flag covers",
                "https://github.com/openxla/xla/pull/12520",
            ),
            Evidence(
                "Variables of TensorFlow did not make a JAX program repeat itself",
                "https://github.com/jax-ml/jax/issues/13672",
            ),
        ),
        state=determinism.jax_off,
        advice=True,
    ),
    Rule(
        id="threads-left-to-machine",
        title="A thread count is left to the machine",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=("facts.cpu.usable_threads",),
        why="The next machine, container or job may have another number of usable CPUs, and "
        "another number of threads rounds differently.",
        not_when="The program sets the count itself.",
        remedy="Set the variable that fixes the count.",
        evidence=(Evidence("NumPy with one thread and with two", measured="np.omp1"),),
        state=determinism.threads_left_to_machine,
        advice=True,
    ),
)
