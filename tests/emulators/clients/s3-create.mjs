const response = await fetch("https://api.seedancee2.ai/v1/videos/generations", {
method: "POST",
headers: {
Authorization: "Bearer sk_seedancee2_live_xxxxx",
"Content-Type": "application/json",
},
body: JSON.stringify({
model: "mini",
input: {
prompt: "A cinematic drone shot of waves breaking against black volcanic rocks",
duration: 5,
resolution: "720p",
aspect_ratio: "16:9",
},
metadata: {
customer_job_id: "job_123",
},
}),
});
const result = await response.json();
console.log(result);
