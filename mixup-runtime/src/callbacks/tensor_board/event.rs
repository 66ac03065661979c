//! The messages in TensorBoard's event files, as far as they are written here.
//!
//! Source: `event.proto`, `summary.proto`, `tensor.proto` and `types.proto` in `tensorboard/compat/proto`; the names and numbers of fields are theirs.

use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    pub what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionLog {
    #[prost(int32, tag = "1")]
    pub status: i32,
}

/// The status of a session that starts: TensorBoard drops what earlier files have from its step on.
pub(super) const START: i32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub tag: String,
    #[prost(oneof = "Kind", tags = "2, 4, 5, 8")]
    pub kind: Option<Kind>,
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Kind {
    #[prost(float, tag = "2")]
    SimpleValue(f32),
    #[prost(message, tag = "4")]
    Image(Image),
    #[prost(message, tag = "5")]
    Histo(Histogram),
    #[prost(message, tag = "8")]
    Tensor(Text),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub height: i32,
    #[prost(int32, tag = "2")]
    pub width: i32,
    /// 3: RGB.
    #[prost(int32, tag = "3")]
    pub colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    pub encoded_image_string: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    pub min: f64,
    #[prost(double, tag = "2")]
    pub max: f64,
    #[prost(double, tag = "3")]
    pub num: f64,
    #[prost(double, tag = "4")]
    pub sum: f64,
    #[prost(double, tag = "5")]
    pub sum_squares: f64,
    /// The upper bound of each bucket.
    #[prost(double, repeated, tag = "6")]
    pub bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub bucket: Vec<f64>,
}

/// A `TensorProto` that holds one text.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Text {
    #[prost(int32, tag = "1")]
    pub dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub tensor_shape: Option<Shape>,
    #[prost(string, repeated, tag = "8")]
    pub string_val: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub dim: Vec<Dim>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dim {
    #[prost(int64, tag = "1")]
    pub size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub plugin_data: Option<PluginData>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PluginData {
    #[prost(string, tag = "1")]
    pub plugin_name: String,
}

impl Value {
    fn new(tag: &str, kind: Kind) -> Self {
        Self { tag: tag.to_owned(), kind: Some(kind), metadata: None }
    }

    pub(super) fn scalar(tag: &str, number: f64) -> Self {
        Self::new(tag, Kind::SimpleValue(number as f32))
    }

    pub(super) fn histogram(tag: &str, histogram: Histogram) -> Self {
        Self::new(tag, Kind::Histo(histogram))
    }

    /// A PNG file of this width and height.
    pub(super) fn image(tag: &str, png: Vec<u8>, width: u32, height: u32) -> Self {
        let (width, height) = (width as i32, height as i32);
        Self::new(tag, Kind::Image(Image { height, width, colorspace: 3, encoded_image_string: png }))
    }

    /// A text in Markdown.
    pub(super) fn text(tag: &str, text: &str) -> Self {
        const STRING: i32 = 7;
        let shape = Shape { dim: vec![Dim { size: 1 }] };
        let tensor = Text { dtype: STRING, tensor_shape: Some(shape), string_val: vec![text.to_owned()] };
        let plugin = PluginData { plugin_name: "text".to_owned() };
        let metadata = Some(Metadata { plugin_data: Some(plugin) });
        Self { metadata, ..Self::new(tag, Kind::Tensor(tensor)) }
    }
}
