'use strict';
(() => {
  const points = JSON.parse(document.getElementById('frontier-data').textContent);
  const colours = ['#57606a', '#cf222e', '#bc4c00', '#1a7f37', '#0969da', '#8250df', '#bf3989', '#4d2d00'];
  const series = points.map((point, index) => ({
    label: point.label,
    stroke: colours[index % colours.length],
    fill: colours[index % colours.length],
    paths: drawPoint,
  }));

  // One series a system, each of one point with its name beside it.
  function drawPoint(chart, index) {
    const [xs, ys] = chart.data[index];
    const x = chart.valToPos(xs[0], 'x', true), y = chart.valToPos(ys[0], 'y', true);
    const context = chart.ctx, ratio = devicePixelRatio;
    context.save();
    context.fillStyle = series[index - 1].fill;
    context.beginPath();
    context.arc(x, y, 5 * ratio, 0, 2 * Math.PI);
    context.fill();
    context.textAlign = 'left';
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    context.fillText(points[index - 1].label, x + 8 * ratio, y - 6 * ratio);
    context.restore();
    return null;
  }

  function padded(values) {
    const least = Math.min(0, ...values), most = Math.max(0, ...values), room = 0.12 * (most - least || 1);
    return [least - room, most + room];
  }

  const x = padded(points.map(point => point.acquired)), y = padded(points.map(point => point.forgotten));
  new uPlot({
    mode: 2,
    width: 900,
    height: 460,
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false, range: () => [x[0], x[1] + 0.1 * (x[1] - x[0])] }, y: { range: () => y } },
    axes: [
      { label: 'acquired: % fewer bits per byte on held-in languages' },
      { label: 'forgotten: % more bits per byte on base languages' },
    ],
    series: [null, ...series],
  }, [null, ...points.map(point => [[point.acquired], [point.forgotten]])], document.getElementById('frontier'));
})();
